import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeOptions, optionNames, optionTable, readOptionsFile, resolveOptions } from '#src/options/index.js';
import type { Target } from '../target.js';

/** A config file, or variables of the environment, one a line: what the first byte says. */
export function options(): Target {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const path = join(folder, 'millrace.config.json');
  const defaults = Object.fromEntries(optionNames.map((name) => [name, optionTable[name].default]));
  return {
    seeds: () =>
      [
        `f${JSON.stringify(defaults)}`,
        'f\ufeff{"askTimeoutMs": 1000, "partitions": "auto"}',
        'eMILLRACE_PARTITIONS=count(4)\nMILLRACE_ASK_TIMEOUT_MS=1e3\nMILLRACE_PORT=tcp://10.0.0.1:80',
      ].map((text) => new TextEncoder().encode(text)),
    words: [
      ...optionNames,
      ...optionNames.map((name) => `"${name}":`),
      'MILLRACE_',
      '1e400',
      '-0',
      'null',
      '"__proto__":',
      '\\ud800',
    ],
    feed: (bytes) => {
      const content = bytes.subarray(1);
      if (bytes[0] === 0x65) {
        describeOptions(resolveOptions({ env: variables(new TextDecoder().decode(content)) }));
        return;
      }
      writeFileSync(path, content);
      describeOptions(resolveOptions({ file: readOptionsFile({ folder }) }));
    },
    close: async () => rmSync(folder, { recursive: true }),
  };
}

function variables(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').map((line) => /^([^=]*)=?(.*)$/s.exec(line));
  return Object.fromEntries(lines.map((line) => [line?.[1] ?? '', line?.[2] ?? '']));
}
