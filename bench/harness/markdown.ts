/** A Markdown table. The first `texts` columns are text, the others numbers. */
export function markdown(head: readonly string[], lines: readonly (readonly string[])[], texts: number): string {
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((cells) => cells[column]?.length ?? 0)));
  const isText = (column: number): boolean => column < texts;
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (isText(column) ? cells[column]?.padEnd(width) : cells[column]?.padStart(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => `${'-'.repeat(width + 1)}${isText(column) ? '-' : ':'}`).join('|')}|`;
  return [line(head), rule, ...lines.map(line)].join('\n');
}

/** Three significant digits; empty if nothing was measured. */
export function figure(value: number | null): string {
  if (value === null) return '';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}
