import { type Target } from './target.js';

/** By name. Each is loaded by the process that fuzzes it. */
const loaders: Readonly<Record<string, () => Promise<Target>>> = {
  messages: async () => (await import('./targets/messages.js')).messages(),
  views: async () => (await import('./targets/views.js')).views(),
  envelopes: async () => (await import('./targets/envelopes.js')).envelopes,
  frames: async () => (await import('./targets/frames.js')).frames,
  handshake: async () => (await import('./targets/handshake.js')).handshake,
  link: async () => (await import('./targets/link.js')).link(),
  descriptors: async () => (await import('./targets/descriptors.js')).descriptors,
  values: async () => (await import('./targets/values.js')).values,
  recording: async () => (await import('./targets/recording.js')).recording,
  topology: async () => (await import('./targets/topology.js')).topology,
  proto: async () => (await import('./targets/proto.js')).proto(),
  options: async () => (await import('./targets/options.js')).options(),
  texts: async () => (await import('./targets/texts.js')).texts,
};

export const targetNames: readonly string[] = Object.keys(loaders);

/** Targets that have a fault. */
export const faultyNames = ['throws', 'rejects', 'exits'] as const;

export async function targetOf(name: string): Promise<Target> {
  for (const each of faultyNames) if (each === name) return (await import('./targets/faulty.js')).faulty[each];
  const load = loaders[name];
  if (load === undefined) throw new RangeError(`There is no target "${name}": use one of ${targetNames.join(', ')}.`);
  return load();
}
