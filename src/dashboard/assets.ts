import { readFileSync } from 'node:fs';
import { ResourceError } from '../errors.js';
import { messageOf } from '../foreign.js';
import { packageFile } from '../installation.js';

/** A file of the page. */
export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
const FILES: Readonly<Record<string, keyof typeof TYPES>> = {
  'index.html': 'html',
  'page.js': 'js',
  'page.css': 'css',
};

/** The files of the page, by their names. Throws ResourceError where they are missing. */
export function readAssets(): ReadonlyMap<string, Asset> {
  return new Map(Object.entries(FILES).map(([name, kind]) => [name, { type: TYPES[kind], bytes: bytesOf(name) }]));
}

function bytesOf(name: string): Buffer {
  const path = packageFile(`dist/page/${name}`, 'The dashboard needs its page.');
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ResourceError(`The page of the dashboard cannot be read: ${messageOf(cause)}. Install millrace again.`, {
      cause,
    });
  }
}
