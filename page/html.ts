import htm from 'htm';
import { h, type VNode } from 'preact';

/** What a component returns. */
export type View = VNode | null;

const bound = htm.bind(h);

/** A template with one root element. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode {
  const made = bound(strings, ...values);
  if (Array.isArray(made)) throw new Error('A template has one root element.');
  return made;
}
