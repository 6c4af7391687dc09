import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { ComponentCall } from 'millrace';

/** Entry of the meta of a request: the file in which its container notes that it handles it. */
const HANDLED = 'handled';

/** The meta of requests whose handlings are to be counted. */
export function noted(file: string): Readonly<Record<string, string>> {
  return { [HANDLED]: file };
}

/** What every handler does: it notes the request, and takes its time. Several processes append to the file, each line at once. */
export async function handle({ meta, scheduler }: ComponentCall, id: string, takesMs: number): Promise<void> {
  const file = meta?.[HANDLED];
  if (file !== undefined) appendFileSync(file, `${id}\n`);
  await new Promise<void>((resolve) => void scheduler.setTimer(takesMs, resolve));
}

/** How often each request was handled, by its id. */
export function handlings(file: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  for (const id of lines.filter((line) => line !== '')) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
