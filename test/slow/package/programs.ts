/** What a stranger writes: a protocol, and programs on it. */

export const PROTO = `syntax = "proto3";
package shop;
import "google/protobuf/empty.proto";
import "millrace/v1/annotations.proto";

message Trade { string symbol = 1; double price = 2; }
message Symbol { string symbol = 1; }
message Price { double price = 1; }

service Pricing {
  rpc Observe(Trade) returns (google.protobuf.Empty) { option (millrace.v1.mode) = ASYNC; }
  rpc Quote(Symbol) returns (Price);
  rpc Watch(Symbol) returns (stream Price);
}
`;

const pricing = (generics: string): string => `
const pricing = behavior(Pricing, {
  state: () => new Map${generics}(),
  observe: (book, { symbol, price }) => void book.set(symbol, price),
  quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
  watch: async function* (book, { symbol }) { yield { price: book.get(symbol) ?? 0 }; },
});
`;

/** Prints 12.5, and one line of the log. */
const MAIN = `
async function main() {
  const runtime = await Runtime.start({ logLevel: 'debug', logFormat: 'text' });
  const ref = runtime.spawn(pricing, { name: 'pricing', register: true });
  ref.observe({ symbol: 'ACME', price: 12.5 });
  const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 5_000 });
  for await (const quote of ref.watch({ symbol: 'ACME' })) if (quote.price !== price) throw new Error('two prices');
  console.log(price);
  await runtime.stop();
}
void main();
`;

export const esm = `import { Runtime, behavior } from 'millrace';\nimport { Pricing } from './gen/shop.js';\n${pricing('')}${MAIN}`;
export const cjs = `const { Runtime, behavior } = require('millrace');\nconst { Pricing } = require('./gen/shop.js');\n${pricing('')}${MAIN}`;
export const typescript = `import { Runtime, behavior } from 'millrace';\nimport { Pricing } from './gen/shop.js';\n${pricing('<string, number>')}${MAIN}`;

/** Those whose types need no other package. */
export const everyEntryPoint = ['', '/protocol', '/recording', '/testing', '/simulation', '/partition']
  .map((name, i) => `import * as e${i} from 'millrace${name}';\nconsole.log(e${i});\n`)
  .join('');

/** Runs a pipeline on a thread and in a process, with the partitions' program and the pipeline as entries of the same bundle. */
export const placed = (placeOf: (file: string) => string): Readonly<Record<string, string>> => ({
  'partition.ts': "import 'millrace/partition';\n",
  'flow.ts': `
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pipeline } from 'millrace';
import { Price } from './gen/shop.js';
export default pipeline('flow', ${placeOf('flow')}, (p) => {
  const from = p.source('from', Price, { instances: 2 }, (out) => out.write({ price: 1 }));
  p.sink('to', from, { instances: 2 }, async (input) => {
    for await (const { price } of input) console.log('read', price);
  });
});
`,
  'placed.ts': `
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime } from 'millrace';
import flow from './flow.js';
async function main() {
  for (const placement of ['thread', 'process'] as const) {
    const options = { partitions: 2, placement, logLevel: 'error' } as const;
    const runtime = await Runtime.start({ ...options, ...(process.argv[2] !== 'bare' && { partitionProgram: ${placeOf('partition')} }) });
    await (await runtime.run(flow)).done;
    await runtime.stop();
    console.log(placement);
  }
}
main().catch((error) => console.log(error.code, error.message));
`,
});

export const jest = `
const { Runtime, behavior } = require('millrace');
const { Pricing } = require('./gen/shop.js');
for (const name of ['recording', 'simulation', 'testing', 'nact', 'persistence']) require('millrace/' + name);
test('an actor answers', async () => {
  const runtime = await Runtime.start({ logLevel: 'warn' });
  const ref = runtime.spawn(behavior(Pricing, { observe: () => {}, quote: () => ({ price: 3 }), watch: async function* () {} }));
  expect((await ref.quote({ symbol: 'ACME' })).price).toBe(3);
  await expect(runtime.lookup(Pricing, 'nobody', { timeoutMs: 10 })).rejects.toThrow();
  await runtime.stop();
});
`;

export const nest = `
import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Module, OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ActorRef, Runtime, behavior } from 'millrace';
import { Pricing } from './gen/shop';
${pricing('<string, number>')}
@Injectable()
class Prices implements OnModuleDestroy {
  readonly ref: ActorRef<typeof Pricing>;
  constructor(@Inject('RUNTIME') private readonly runtime: Runtime) {
    this.ref = runtime.spawn(pricing, { name: 'pricing' });
  }
  async onModuleDestroy(): Promise<void> {
    await this.runtime.stop();
  }
}
@Controller()
class PricesController {
  constructor(private readonly prices: Prices) {}
  @Get('price')
  price() {
    this.prices.ref.observe({ symbol: 'ACME', price: 12.5 });
    return this.prices.ref.quote({ symbol: 'ACME' });
  }
}
@Module({
  controllers: [PricesController],
  providers: [Prices, { provide: 'RUNTIME', useFactory: () => Runtime.start({ logLevel: 'warn' }) }],
})
class AppModule {}
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  console.log(await (await fetch(await app.getUrl() + '/price')).text());
  await app.close();
}
void main();
`;

/** Asks an actor in another process, which has the commands of the folder argv[2] alone, and prints what has carried that. */
export const joined = `
import { spawn } from 'node:child_process';
import { Runtime, behavior, stopOnSignals } from 'millrace';
import { Pricing } from './gen/shop.js';
const [, , path, controlPlane] = process.argv;
const options = { listen: 'unix:', ucx: 'required', logLevel: 'error' };
if (controlPlane === undefined) {
  const runtime = await Runtime.start(options);
  const env = { PATH: path, HOME: process.env.HOME };
  const child = spawn('node', [process.argv[1], path, runtime.controlPlane], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ref = await runtime.lookup(Pricing, 'pricing', { timeoutMs: 60_000 });
  await ref.quote({ symbol: 'ACME' });
  console.log(...new Set(runtime.health().links.map(({ carrier }) => carrier?.transport)));
  child.kill();
  await runtime.stop();
} else {
  const runtime = await Runtime.start({ ...options, controlPlane });
  stopOnSignals(runtime);
  const pricing = behavior(Pricing, { observe: () => {}, quote: () => ({ price: 3 }), watch: async function* () {} });
  await runtime.register('pricing', runtime.spawn(pricing));
}
`;
