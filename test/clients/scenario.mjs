// What every client does, in one place: the calls, their arguments and what must
// come back.
import assert from 'node:assert/strict';

export const clientInfo = { name: 'heycmo-test-clients', version: '1.0.0' };

// A key of the right form that nobody has.
export const badKey = 'hcmo_live_' + '0'.repeat(64);

// The arguments are the server's published tool inputs.
const inputs = {
  get_brand: {},
  update_brand: (voice) => ({ voice }),
  ask_cmo: { task: 'Plan the launch of our newsletter.' },
  save_content: { agent: 'cmo', type: 'plan', title: 'Launch plan', body: 'Week one: *write* ✍️, then send.' },
  get_content: (id) => ({ id }),
};
const brandURI = 'heycmo://brand';

// play does everything with a session and returns what it saw.
export async function play({ client, call }) {
  const seen = {};
  const { tools } = await client.listTools();
  seen.tools = tools.map((tool) => tool.name).sort();
  for (const name of Object.keys(inputs)) {
    assert.ok(seen.tools.includes(name), `tools/list lacks ${name}: ${seen.tools}`);
  }
  for (const tool of tools) {
    assert.equal(tool.inputSchema?.type, 'object', `the input schema of ${tool.name}`);
  }

  succeeded(await call('get_brand', inputs.get_brand), 'get_brand');
  seen.voice = `Voice ${crypto.randomUUID()}`;
  succeeded(await call('update_brand', inputs.update_brand(seen.voice)), 'update_brand');
  const brand = succeeded(await call('get_brand', inputs.get_brand), 'get_brand');
  assert.ok(brand.includes(seen.voice), `get_brand does not show the new voice: ${brand}`);

  seen.brief = succeeded(await call('ask_cmo', inputs.ask_cmo), 'ask_cmo');
  assert.ok(seen.brief.includes(inputs.ask_cmo.task), `the answer of ask_cmo lacks the task: ${seen.brief}`);

  const saved = await call('save_content', inputs.save_content);
  succeeded(saved, 'save_content');
  seen.contentId = saved.structuredContent?.id;
  assert.equal(typeof seen.contentId, 'string', `save_content gives no id: ${JSON.stringify(saved)}`);
  const content = await call('get_content', inputs.get_content(seen.contentId));
  succeeded(content, 'get_content');
  assert.equal(content.structuredContent?.title, inputs.save_content.title, 'title of get_content');
  assert.equal(content.structuredContent?.body, inputs.save_content.body, 'body of get_content');

  const { prompts } = await client.listPrompts();
  assert.notEqual(prompts.length, 0, 'prompts/list is empty');
  seen.prompts = prompts.map((prompt) => prompt.name).sort();
  const [prompt] = prompts;
  const args = Object.fromEntries((prompt.arguments ?? []).map(({ name }) => [name, 'a newsletter']));
  const { messages } = await client.getPrompt({ name: prompt.name, arguments: args });
  assert.ok(messages[0]?.content?.text, `prompt ${prompt.name} has no text`);

  const { resources } = await client.listResources();
  seen.resources = resources.map((resource) => resource.uri).sort();
  assert.ok(seen.resources.includes(brandURI), `resources/list lacks ${brandURI}: ${seen.resources}`);
  const { contents } = await client.readResource({ uri: brandURI });
  assert.ok(contents[0]?.text?.includes(seen.voice), `${brandURI} does not show the voice: ${JSON.stringify(contents)}`);

  seen.badArguments = failed(await call('get_content', {}), 'get_content without an id');
  assert.match(seen.badArguments, /\bid\b/, 'the tool error does not name the argument');
  return seen;
}

// glance is a short scenario: enough to see that a connection carries calls.
export async function glance({ client, call }) {
  const { tools } = await client.listTools();
  const voice = `Voice ${crypto.randomUUID()}`;
  succeeded(await call('update_brand', inputs.update_brand(voice)), 'update_brand');
  const brand = succeeded(await call('get_brand', inputs.get_brand), 'get_brand');
  assert.ok(brand.includes(voice), `get_brand does not show the new voice: ${brand}`);
  const badArguments = failed(await call('get_content', {}), 'get_content without an id');
  return { tools: tools.map((tool) => tool.name).sort(), voice, badArguments };
}

function succeeded(result, what) {
  assert.ok(!result.isError, `${what} failed: ${text(result)}`);
  return text(result);
}

function failed(result, what) {
  assert.ok(result.isError, `${what} must be a tool error, not ${JSON.stringify(result)}`);
  return text(result);
}

export function text(result) {
  return (result.content ?? []).map((block) => block.text ?? '').join('\n');
}

// words joins the messages of an error and its causes.
export function words(error) {
  const list = [];
  for (let e = error; e; e = e.cause ?? e.event) {
    list.push(e.message ?? String(e));
  }
  return [...new Set(list)].join(': ');
}
