import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

/** A page with live prices. It needs no build step: the browser loads the client and the generated code as they are. */
export function addPage(server: FastifyInstance): void {
  const millrace = dirname(createRequire(import.meta.url).resolve('millrace/package.json'));
  const files = [
    { path: '/', type: 'text/html', text: read(new URL('../src/prices.html', import.meta.url)) },
    { path: '/client.js', type: 'text/javascript', text: read(join(millrace, 'dist/browser/client.js')) },
    { path: '/gen/market.js', type: 'text/javascript', text: read(new URL('../gen/market.js', import.meta.url)) },
  ];
  for (const { path, type, text } of files) {
    server.get(path, async (_request, reply) => reply.type(`${type}; charset=utf-8`).send(text));
  }
}

function read(path: string | URL): string {
  return readFileSync(path, 'utf8');
}
