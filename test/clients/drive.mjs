// Drives one client by the orders of a Go test:
//
//   node drive.mjs sdk1
//
// Orders come on stdin, one JSON object a line, each with an ID. Lines with the
// same ID come back: any number of events, and in the end "ok" or "error". The
// end of stdin ends the program.
import { createInterface } from 'node:readline';
import { text, words } from './scenario.mjs';

const { connections } = await import(`./${process.argv[2]}.mjs`);
const sessions = new Map(); // by the ID of the order that opened them
const calls = new Map(); // what aborts them, by their ID
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const orders = {
  async open({ id, connection, config }) {
    sessions.set(id, await connections[connection](config, {
      log: (log) => say({ id, log }),
      message: (message) => say({ id, message }),
      trouble: (error) => say({ id, trouble: words(error) }),
    }));
  },
  async call({ id, session, tool, args, progress, meta }) {
    const abort = new AbortController();
    calls.set(id, abort);
    const onprogress = progress ? (params) => say({ id, progress: params }) : undefined;
    try {
      const result = await sessions.get(session).call(tool, args, { onprogress, signal: abort.signal, meta });
      return { text: text(result), isError: result.isError === true };
    } finally {
      calls.delete(id);
    }
  },
  async cancel({ call }) {
    calls.get(call)?.abort('the test has cancelled it');
  },
  async list({ session }) {
    const { tools } = await sessions.get(session).client.listTools();
    return { text: tools.map((tool) => tool.name).join(' ') };
  },
  async level({ session, level }) {
    await sessions.get(session).setLevel(level);
  },
  async close({ session }) {
    await sessions.get(session).close();
    sessions.delete(session);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  orders[order.do](order).then(
    (ok = {}) => say({ id: order.id, ok }),
    (error) => say({ id: order.id, error: words(error) }),
  );
}
await Promise.allSettled([...sessions.values()].map((session) => session.close()));
process.exit();
