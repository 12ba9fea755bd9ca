/** Draws pages, and forms from a flow's nodes. */

/** Text made safe to stand in HTML. */
export const text = (value) => String(value ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const page = (title, body) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" href="data:,">
  <title>${text(title)}</title>
  <main>
    <h1>${text(title)}</h1>
    ${body}
  </main>
</html>
`;

const messages = (list = []) => list.map((message) => `<p role="alert">${text(message.text)}</p>`).join("\n");

/** One node of a flow: a button, a hidden value, or a labelled field. */
function field({ attributes, messages: told, meta }) {
  const { name, type, value, required, autocomplete } = attributes;
  const given = `name="${text(name)}" value="${text(value)}"`;
  if (type === "submit") return `<p><button ${given}>${text(meta.label?.text)}</button></p>`;
  if (type === "hidden") return `<input type="hidden" ${given}>`;
  const rules = `${required ? " required" : ""}${autocomplete ? ` autocomplete="${text(autocomplete)}"` : ""}`;
  return `<p><label>${text(meta.label?.text ?? name)}<br><input type="${text(type)}" ${given}${rules}></label></p>
    ${messages(told)}`;
}

/** The form of a flow: what the visitor enters goes to Zelus itself. */
export const flowForm = (ui) => `${messages(ui.messages)}
    <form action="${text(ui.action)}" method="${text(ui.method)}">
      ${ui.nodes.filter((node) => node.type === "input").map(field).join("\n      ")}
    </form>`;
