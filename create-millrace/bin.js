#!/usr/bin/env node
// `npm create millrace`. Checks Node before anything else is loaded: an old one may not understand the rest.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const needed = engines.node.replace('>=', '');

if (isOlder(process.versions.node, needed)) {
  console.error(
    `create-millrace: OLD_NODE: Millrace needs Node ${needed} or later, and this is ${process.versions.node}. Install a newer one from https://nodejs.org.`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import('./src/command.js');
  process.exitCode = await main(process.argv.slice(2));
}

function isOlder(version, than) {
  const [major, minor] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = than.split('.').map(Number);
  return major < neededMajor || (major === neededMajor && minor < neededMinor);
}
