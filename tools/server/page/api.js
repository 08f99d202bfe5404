// The server's endpoints.

const KEY = "marimba.key";
export const apiKey = () => sessionStorage.getItem(KEY) ?? "";
export function setApiKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** What the server answered instead of what was asked for. */
export class ServerError extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function problemOf(response) {
  let message = `the server answered ${response.status}`;
  let code;
  try {
    const { error } = await response.json();
    message = (typeof error === "string" ? error : error?.message) ?? message;
    code = error?.code;
  } catch {
    // No JSON: the number has to do.
  }
  return new ServerError(response.status, message, code);
}

async function request(method, path, body, signal) {
  const headers = {};
  if (apiKey()) headers.authorization = `Bearer ${apiKey()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, {
    method,
    headers,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function getJson(path, signal) {
  return (await request("GET", path, undefined, signal)).json();
}

export async function postJson(path, body) {
  return (await request("POST", path, body)).json();
}

export async function remove(path) {
  await request("DELETE", path);
}

/** The events of a stream, `{data}` or `{comment}`, however it is cut. */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length) yield { data: data.join("\n") };
        data = [];
      } else if (line.startsWith(":")) {
        yield { comment: line.slice(1).trim() };
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
  }
}

/**
 * Streams an answer. `hear` has reading(done, total), text(piece),
 * thoughts(piece), usage(usage) and ended(reason).
 */
export async function streamAnswer(body, signal, hear) {
  const response = await request(
    "POST",
    "/v1/chat/completions",
    { ...body, stream: true, stream_options: { include_usage: true } },
    signal,
  );
  for await (const { data, comment } of events(response.body)) {
    if (comment !== undefined) {
      const reading = /^reading (\d+)\/(\d+)/.exec(comment);
      if (reading) hear.reading(Number(reading[1]), Number(reading[2]));
      continue;
    }
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ServerError(500, chunk.error.message ?? "the server failed", chunk.error.code);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.reasoning_content) hear.thoughts(choice.delta.reasoning_content);
    if (choice?.delta?.content) hear.text(choice.delta.content);
    if (choice?.finish_reason) hear.ended(choice.finish_reason);
    if (chunk.usage) hear.usage(chunk.usage);
  }
  throw new ServerError(0, "the connection ended before the answer did");
}
