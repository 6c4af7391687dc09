import type { Actor } from 'comedy';

/** The root actor of a comedy system whose actors share this thread. */
export async function startComedy(): Promise<Actor> {
  const { createSystem } = await import('comedy');
  return createSystem({}).rootActor();
}
