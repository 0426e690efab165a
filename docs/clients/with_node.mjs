// Asks a running server with OpenAI's package for Node: text, a stream, a film, a file.
//
//   node with_node.mjs http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
import assert from "node:assert";
import fs from "node:fs";
import OpenAI from "openai";

const [address, film] = process.argv.slice(2);
const client = new OpenAI({ baseURL: address, apiKey: process.env.REVISIT_API_KEY ?? "none" });
const model = (await client.models.list()).data[0].id;
const ask = (content, options = {}) =>
  client.chat.completions.create({
    model, messages: [{ role: "user", content }], max_completion_tokens: 24, temperature: 0, ...options,
  });

const whole = await ask("Name three colors.");
let streamed = "";
for await (const chunk of await ask("Name three colors.", { stream: true })) {
  streamed += chunk.choices[0]?.delta.content ?? "";
}
assert.equal(streamed, whole.choices[0].message.content);
console.log("text:", streamed);

const url = "data:video/mp4;base64," + fs.readFileSync(film).toString("base64");
const question = { type: "text", text: "What happens?" };
const seen = await ask([{ type: "video_url", video_url: { url }, num_frames: 4 }, question]);
assert.equal(seen.seen[0].times.length, 4);
console.log("film:", seen.choices[0].message.content);

const file = await client.files.create({ file: fs.createReadStream(film), purpose: "user_data" });
const again = await ask([{ type: "file", file: { file_id: file.id } }, question]);
console.log("film by its id:", again.choices[0].message.content);
await client.files.delete(file.id);
