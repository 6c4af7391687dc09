/** The two ways in which every command prints. What it quotes of others cannot steer the terminal. */
import { escapeLine, escapeLines } from '../logging/index.js';

/** One line to people, on standard error. */
export function say(text: string): void {
  process.stderr.write(`${message(text)}\n`);
}

/** The result of a command, on standard output: lines that end with a line feed. */
export function print(text: string): void {
  process.stdout.write(`${escapeLines(text)}\n`);
}

/** How every message of this command begins. */
export function message(text: string): string {
  return `millrace: ${escapeLine(text)}`;
}
