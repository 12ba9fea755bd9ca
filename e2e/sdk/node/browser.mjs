/** A stand-in for a browser: it keeps cookies and hands them to `fetch`, to axios, and to an app's routes. */

export class Cookies {
  #jar = new Map();

  /** The `Cookie` header, or undefined while there is no cookie. */
  header() {
    return [...this.#jar].map(([name, value]) => `${name}=${value}`).join("; ") || undefined;
  }

  /** Keeps what `Set-Cookie` headers say; a `Max-Age` of zero removes the cookie. */
  keep(headers) {
    for (const header of headers ?? []) {
      const [pair, ...attributes] = header.split(";").map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf("="));
      if (attributes.some((attribute) => /^max-age=(0|-\d+)$/i.test(attribute))) this.#jar.delete(name);
      else this.#jar.set(name, pair.slice(name.length + 1));
    }
  }

  copy() {
    const copy = new Cookies();
    copy.#jar = new Map(this.#jar);
    return copy;
  }
}

/** `fetch` as a page of a browser would call it: with cookies, and redirects given back rather than followed. */
export function fetchWith(cookies) {
  return async (url, init = {}) => {
    const headers = new Headers(init.headers);
    const sent = cookies.header();
    if (sent) headers.set("Cookie", sent);
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    cookies.keep(answer.headers.getSetCookie());
    return answer;
  };
}

/** An axios instance that keeps cookies, made from the axios that an SDK brought along. */
export function axiosWith(axios, cookies) {
  const instance = axios.create();
  instance.interceptors.request.use((request) => {
    const sent = cookies.header();
    if (sent) request.headers.Cookie = sent;
    return request;
  });
  const keep = (answer) => (cookies.keep(answer?.headers["set-cookie"]), answer);
  instance.interceptors.response.use(keep, (error) => (keep(error.response), Promise.reject(error)));
  return instance;
}

/** Opens a page as a browser would: asks for HTML and follows redirects, to wherever they lead. */
export async function open(cookies, url, init = {}) {
  const page = fetchWith(cookies);
  const headers = { Accept: "text/html,application/xhtml+xml", ...init.headers };
  let answer = await page(url, { ...init, headers });
  for (let hops = 0; [301, 302, 303, 307, 308].includes(answer.status) && hops < 10; hops++) {
    url = new URL(answer.headers.get("Location"), url).href;
    answer = await page(url, { headers });
  }
  return { status: answer.status, url, text: await answer.text() };
}
