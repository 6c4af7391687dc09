/** Reads the contents of hwloc's XML elements: nested objects, numbers, and bitmaps of processors. */
import { MAX_CPU } from '../../cpu-list.js';
import { type CpuSet, parseBitmap } from './cpu-set.js';
import type { XmlElement } from './xml-elements.js';

/** Throws a ConfigError that states the fault. */
export type Refuse = (fault: string) => never;

export function typeOf(element: XmlElement): string {
  return element.attributes['type'] ?? '';
}

export function objectsIn(element: XmlElement): readonly XmlElement[] {
  return element.children.filter(({ name }) => name === 'object');
}

/** Numbers of the processors in an element, in its order. */
export function processorsOf(element: XmlElement, refuse: Refuse): readonly number[] {
  if (typeOf(element) !== 'PU') return objectsIn(element).flatMap((child) => processorsOf(child, refuse));
  const cpu = numberOf(element, 'os_index', refuse);
  return cpu === undefined || cpu > MAX_CPU ? refuse(`a processor (PU) has no os_index from 0 to ${MAX_CPU}`) : [cpu];
}

export function numberOf(element: XmlElement, name: string, refuse: Refuse): number | undefined {
  const text = element.attributes[name];
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : refuse(`${name}="${text}" of ${typeOf(element)} is no number`);
}

export function bitmapOf(element: XmlElement, name: string, refuse: Refuse): CpuSet | undefined {
  const text = element.attributes[name];
  if (text === undefined) return undefined;
  return parseBitmap(text) ?? refuse(`${name}="${text}" of ${typeOf(element) || element.name} is no finite set`);
}

/** The value of an `<info name="..." value="..."/>` in an element. */
export function infoOf(element: XmlElement, name: string): string | undefined {
  const info = element.children.find((child) => child.name === 'info' && child.attributes['name'] === name);
  return info?.attributes['value'];
}
