import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { generate } from '#src/codegen/index.js';
import { parseProto } from '#src/codegen/syntax/index.js';
import { ConfigError } from '#src/errors.js';
import { fixtures, repository } from '../../../codegen/everything.js';
import { Finding, type Target } from '../target.js';

/** A .proto file. What parses is also generated, as CommonJS, which must be JavaScript. */
export async function proto(): Promise<Target> {
  const folder = await mkdtemp(join(repository, 'build/fuzz-proto-'));
  const file = join(folder, 'input.proto');
  return {
    seeds: () =>
      [
        SHOP,
        ...readdirSync('protos/millrace/v1')
          .filter((name) => /ref|ucx|envelope|annotations/.test(name))
          .map((name) => readFileSync(`protos/millrace/v1/${name}`, 'utf8')),
        readFileSync(join(fixtures, 'everything.proto'), 'utf8').slice(0, 3_000),
      ].map((text) => new TextEncoder().encode(text)),
    words: [
      'syntax = "proto3";',
      'edition = "2023";',
      'message ',
      'oneof ',
      'enum ',
      'service ',
      'rpc ',
      'map<string, ',
      'repeated ',
      'optional ',
      'reserved ',
      'extensions ',
      'group ',
      'import "',
      'option ',
      '[packed = true]',
      'stream ',
      'returns (',
      '/*',
      '*/',
      '//',
      '\\x',
      '"',
      '{',
      '}',
      ';',
      'to max',
      '0x',
      '__proto__',
      'constructor',
    ],
    feed: async (bytes) => {
      parseProto(new TextDecoder().decode(bytes), 'input.proto');
      writeFileSync(file, bytes);
      const written = await generate({ files: [file], out: join(folder, 'gen'), module: 'commonjs' });
      for (const path of written.filter((each) => each.endsWith('.js'))) compile(path);
    },
    close: () => rm(folder, { recursive: true }),
  };
}

function compile(path: string): void {
  const text = readFileSync(path, 'utf8');
  try {
    new Script(text, { filename: path });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new Finding(`the generated module is not JavaScript: ${String(error)}`);
  }
}

const SHOP = `syntax = "proto3";
package shop;
import "google/protobuf/empty.proto";
import "millrace/v1/annotations.proto";
message Trade { string symbol = 1; double price = 2 [deprecated = true]; map<string, int64> tags = 3; }
message Symbol { oneof which { string symbol = 1; uint32 number = 2; } reserved 3, 5 to 9; reserved "old"; }
enum Side { SIDE_UNSPECIFIED = 0; BUY = 1; SELL = 2; }
service Pricing {
  rpc Observe(Trade) returns (google.protobuf.Empty) { option (millrace.v1.mode) = ASYNC; }
  rpc Quote(Symbol) returns (Trade);
  rpc Follow(Symbol) returns (stream Trade);
  rpc Import(stream Trade) returns (Symbol);
  rpc Talk(stream Symbol) returns (stream Trade);
}
`;
