import { useEffect, useState } from "react";
import { openFlow, submitFlow } from "./zelus.js";

/** Opens a flow and draws its nodes until it is done. */
export function FlowForm({ kind, onDone }) {
  const [flow, setFlow] = useState();
  const [problem, setProblem] = useState();

  useEffect(() => {
    let wanted = true;
    openFlow(kind).then((opened) => wanted && setFlow(opened), (error) => wanted && setProblem(error.message));
    return () => (wanted = false);
  }, [kind]);

  async function submit(event) {
    event.preventDefault();
    try {
      const more = await submitFlow(flow, event.currentTarget, event.nativeEvent.submitter);
      if (more) setFlow(more);
      else onDone();
    } catch (error) {
      setProblem(error.message);
    }
  }

  if (problem) return <p role="alert">{problem}</p>;
  if (!flow) return <p>One moment…</p>;
  return (
    <form onSubmit={submit}>
      <Messages list={flow.ui.messages} />
      {flow.ui.nodes
        .filter((node) => node.type === "input")
        .map((node) => (
          <Field key={`${node.attributes.name}=${node.attributes.value}`} node={node} />
        ))}
    </form>
  );
}

/** One node: a button, a hidden value, or a labelled field. */
function Field({ node: { attributes, messages, meta } }) {
  const { name, type, value, required, autocomplete } = attributes;
  if (type === "submit") return <button name={name} value={value}>{meta.label?.text}</button>;
  if (type === "hidden") return <input type="hidden" name={name} value={value} readOnly />;
  return (
    <p>
      <label>
        {meta.label?.text ?? name}
        <br />
        <input name={name} type={type} defaultValue={value} required={required} autoComplete={autocomplete} />
      </label>
      <Messages list={messages} />
    </p>
  );
}

const Messages = ({ list = [] }) => list.map((message) => <span role="alert" key={message.id}>{message.text}</span>);
