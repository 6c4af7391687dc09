#!/usr/bin/env node
/** Runs the command line of this process. */
import { endAtFaults, runCommand } from './command-line.js';
import { Interrupts } from './interrupts.js';

const argv = process.argv.slice(2);
const interrupts = new Interrupts();
endAtFaults(argv);
await runCommand(argv, interrupts);
