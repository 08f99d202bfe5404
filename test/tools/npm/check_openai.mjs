// The main calls of OpenAI's client against the server.
//
//   node check_openai.mjs URL MODEL

import assert from "node:assert/strict";
import OpenAI, { APIError, BadRequestError, NotFoundError } from "openai";

const [url, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [
  { role: "system", content: "Tell a story." },
  { role: "user", content: "Once upon a time there was a dog." },
];
const schema = {
  type: "object",
  properties: { name: { enum: ["Rex", "Bo"] }, ages: { type: "array", items: { type: "integer" }, maxItems: 3 } },
  required: ["name", "ages"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "adopt", description: "Takes a dog", parameters: schema, strict: true } }];
const greedy = { model, messages, max_tokens: 16, temperature: 0 };
const wild = { ...greedy, max_tokens: 300, temperature: 1.5, seed: 11 };

function checkDog(text) {
  const dog = JSON.parse(text);
  assert.ok(["Rex", "Bo"].includes(dog.name), text);
  assert.ok(Array.isArray(dog.ages) && dog.ages.every(Number.isInteger), text);
}

const cases = {
  async models() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.deepEqual(ids, [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
    await assert.rejects(client.models.retrieve("none"), NotFoundError);
  },
  async chat() {
    const whole = await client.chat.completions.create(greedy);
    const text = whole.choices[0].message.content;
    assert.ok(text.length > 0);
    assert.equal(whole.usage.completion_tokens, 16);
    let streamed = "", usage = null, finish = null;
    const stream = await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta?.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(streamed, text);
    assert.equal(finish, "length");
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [whole.usage.prompt_tokens, 16]);
  },
  async helper() {
    const runner = client.chat.completions.stream({ ...greedy, logprobs: true, top_logprobs: 2 });
    let heard = "";
    runner.on("content", (delta) => { heard += delta; });
    assert.equal(await runner.finalContent(), heard);
    assert.equal((await runner.finalChatCompletion()).choices[0].logprobs.content.length, 16);
  },
  async aborted() {
    const stream = await client.chat.completions.create({ ...greedy, max_tokens: 20000, ignore_eos: true, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content) break; // which closes the connection
    }
    await assert.rejects(
      client.chat.completions.create({ ...greedy, max_tokens: 20000, ignore_eos: true }, { timeout: 300 }));
  },
  async choices() {
    const many = await client.chat.completions.create({ ...wild, max_tokens: 8, n: 3, stop: ["zzz"] });
    assert.deepEqual(many.choices.map((one) => one.index), [0, 1, 2]);
  },
  async jsonSchema() {
    const response_format = { type: "json_schema", json_schema: { name: "dog", strict: true, schema } };
    const whole = await client.chat.completions.parse({ ...wild, response_format });
    assert.equal(whole.choices[0].finish_reason, "stop");
    checkDog(whole.choices[0].message.content);
    assert.ok(whole.choices[0].message.parsed.name);
  },
  async tools() {
    const forced = { ...wild, tools, tool_choice: { type: "function", function: { name: "adopt" } } };
    const whole = await client.chat.completions.create(forced);
    assert.equal(whole.choices[0].finish_reason, "tool_calls");
    const [call] = whole.choices[0].message.tool_calls;
    assert.equal(call.function.name, "adopt");
    checkDog(call.function.arguments);
    const streamed = await client.chat.completions.stream(forced).finalChatCompletion();
    assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
    const result = { role: "tool", tool_call_id: call.id, content: "It barks." };
    const next = await client.chat.completions.create({ ...greedy, tools, messages: [...messages, whole.choices[0].message, result] });
    assert.ok(next.choices[0].message);
  },
  async completions() {
    const whole = await client.completions.create({ model, prompt: "The dog", max_tokens: 8, temperature: 0, echo: true });
    assert.ok(whole.choices[0].text.startsWith("The dog"));
    let streamed = "";
    for await (const chunk of await client.completions.create({ model, prompt: "The dog", max_tokens: 8, temperature: 0, stream: true }))
      streamed += chunk.choices[0].text;
    assert.equal("The dog" + streamed, whole.choices[0].text);
  },
  async responses() {
    const asked = { model, instructions: "Tell a story.", input: "Once upon a time.", max_output_tokens: 12, temperature: 0 };
    const whole = await client.responses.create(asked);
    assert.equal(whole.status, "incomplete");
    assert.ok(whole.output_text.length > 0);
    let streamed = "";
    for await (const event of await client.responses.create({ ...asked, stream: true }))
      if (event.type === "response.output_text.delta") streamed += event.delta;
    assert.equal(streamed, whole.output_text);
    const final = await client.responses.stream(asked).finalResponse();
    assert.equal(final.output_text, whole.output_text);
    const called = await client.responses.create({
      ...asked, temperature: 1.5, max_output_tokens: 300, tool_choice: "required", parallel_tool_calls: false,
      tools: [{ type: "function", name: "adopt", parameters: schema, strict: true }] });
    assert.equal(called.output[0].type, "function_call");
    checkDog(called.output[0].arguments);
    const formed = await client.responses.parse({
      ...asked, max_output_tokens: 300, text: { format: { type: "json_schema", name: "dog", strict: true, schema } } });
    checkDog(formed.output_text);
  },
  async embeddings() {
    const found = await client.embeddings.create({ model, input: ["A dog.", "Rain."] });
    assert.equal(found.data.length, 2);
    const size = found.data[0].embedding.reduce((sum, x) => sum + x * x, 0);
    assert.ok(Math.abs(size - 1) < 1e-5, `${size}`);
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ ...greedy, temperature: 1000 }), (error) =>
      error instanceof BadRequestError && error.param === "temperature" && error.code === "invalid_value");
    await assert.rejects(client.chat.completions.create({ model, messages: [] }), APIError);
  },
};

let failures = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (error) {
    failures += 1;
    console.log("FAIL", name, "|", error);
  }
}
console.log(`${Object.keys(cases).length} cases, ${failures} failures`);
process.exitCode = failures ? 1 : 0;
