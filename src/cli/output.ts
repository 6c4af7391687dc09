/** How every command prints. What it quotes of others cannot steer the terminal. */
import { errorText, escapeLine, escapeLines } from '../logging/index.js';

/** One line to people, on standard error. */
export function say(text: string): void {
  process.stderr.write(`${message(text)}\n`);
}

/** Replaces the line of a terminal on standard error. */
export function overwriteLine(text: string): void {
  process.stderr.write(`\r\u001b[K${escapeLine(text)}`);
}

/** The stack of an error and those of its causes, on standard error. */
export function sayStack(error: unknown): void {
  process.stderr.write(`${errorText(error)}\n`);
}

/** The result of a command, on standard output: lines that end with a line feed. */
export function print(text: string): void {
  process.stdout.write(`${escapeLines(text)}\n`);
}

/** Replaces what a terminal shows on standard output: from the upper left corner, and what is below is removed. */
export function printScreen(lines: readonly string[]): void {
  const { rows, columns } = process.stdout;
  const shown = lines.slice(0, (rows || 24) - 1).map((line) => escapeLine(line).slice(0, columns || 80));
  process.stdout.write(`\u001b[H\u001b[J${shown.join('\n')}\n`);
}

/** One line of a result, on standard output. */
export function printLine(text: string): void {
  print(escapeLine(text));
}

/** How every message of this command begins. */
export function message(text: string): string {
  return `millrace: ${escapeLine(text)}`;
}
