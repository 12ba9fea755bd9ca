import { useCallback, useEffect, useState } from "react";
import { FlowForm } from "./FlowForm.jsx";
import { logOut, whoAmI } from "./zelus.js";

export function App() {
  const [session, setSession] = useState();
  const [kind, setKind] = useState("login");
  const refresh = useCallback(() => whoAmI().then(setSession, () => setSession(null)), []);

  // "Back" may show a page that the browser kept as it was, so the session is asked for again.
  useEffect(() => {
    refresh();
    window.addEventListener("pageshow", refresh);
    return () => window.removeEventListener("pageshow", refresh);
  }, [refresh]);

  async function leave() {
    await logOut();
    setKind("login");
    await refresh();
  }

  if (session === undefined) return <main><p>One moment…</p></main>;
  if (session) {
    return (
      <main>
        <h1>Welcome</h1>
        <p>Signed in as {session.identity.traits.email}.</p>
        <button onClick={leave}>Log out</button>
      </main>
    );
  }
  const [title, other, otherTitle] = kind === "login" ? ["Sign in", "registration", "Sign up"] : ["Sign up", "login", "Sign in"];
  return (
    <main>
      <h1>{title}</h1>
      <FlowForm key={kind} kind={kind} onDone={refresh} />
      <p>
        Or: <button type="button" onClick={() => setKind(other)}>{otherTitle}</button>
      </p>
    </main>
  );
}
