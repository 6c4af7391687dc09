import { onShutdown } from '../harness/shutdown.js';
import { startProcess, startThread } from '../transport/far-end.js';
import type { LoadClient } from './peer.js';
import { loadSubjects } from './subjects.js';

/** The near end, and the end of the far one. */
export interface Loaded {
  readonly client: LoadClient;
  /** Rejects when the far end exits. */
  readonly exited: Promise<never>;
}

let loaded: Promise<Loaded> | undefined;

/** Both ends of the one subject of this process. Started by the first call. */
export function clientOf(subject: string): Promise<Loaded> {
  loaded ??= start(subject);
  return loaded;
}

async function start(name: string): Promise<Loaded> {
  const subject = loadSubjects[name];
  if (subject === undefined) throw new Error(`there is no subject ${name}`);
  const peer = await subject.load();
  if (subject.placement === 'here') {
    const client = await peer.connect(undefined);
    onShutdown(async () => void (await client.close()));
    return { client, exited: new Promise<never>(() => {}) };
  }
  const far = await (subject.placement === 'process' ? startProcess(name) : startThread(name));
  const client = await Promise.race([peer.connect(far.address), far.exited]);
  onShutdown(async () => {
    await client.close();
    await far.end();
  });
  return { client, exited: far.exited };
}
