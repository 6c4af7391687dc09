/** The garbage collector, which Node hides: for tests of what happens to objects that nobody refers to any more. */
export async function exposedGc(): Promise<() => void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc !== 'function') throw new Error('Node exposes no gc');
  return () => void Reflect.apply(gc, undefined, []);
}
