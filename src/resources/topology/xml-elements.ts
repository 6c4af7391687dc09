import type * as Sax from 'sax';
import { ConfigError, ResourceError } from '../../errors.js';
import { limits } from '../../limits.js';
import vendored from '../../vendored.cjs';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
}

/** The root element of an XML text, without the text between elements. Throws ConfigError, which names `origin`, line and fault. */
export function parseXml(text: string, origin: string): XmlElement {
  if (text.length > limits.topologyXmlBytes) {
    throw new ConfigError(`${origin} is longer than ${limits.topologyXmlBytes} bytes, the limit for a topology.`);
  }
  const parser = loadSax().parser(true, {});
  const root: OpenElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  const refuse = (fault: string): never => {
    throw new ConfigError(`${origin} is not well-formed XML: ${fault} (line ${parser.line + 1}).`);
  };
  parser.onerror = ({ message }) => refuse(message.split('\n')[0] ?? message);
  parser.onopentag = ({ name, attributes }) => {
    if (open.length > limits.topologyDepth) refuse(`elements are nested deeper than ${limits.topologyDepth}`);
    const texts: Record<string, string> = {};
    for (const [key, value] of Object.entries(attributes)) texts[key] = String(value);
    const element: OpenElement = { name, attributes: texts, children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  };
  parser.onclosetag = () => void open.pop();
  parser.write(text).close();
  const [element] = root.children;
  return element ?? refuse('there is no element');
}

/** Loads sax on first use: most programs read no topology. */
function loadSax(): typeof Sax {
  const loaded: unknown = vendored.sax();
  if (isSax(loaded)) return loaded;
  throw new ResourceError('The copy of sax in Millrace is damaged. Install Millrace again.');
}

function isSax(loaded: unknown): loaded is typeof Sax {
  return typeof loaded === 'object' && loaded !== null && 'parser' in loaded;
}
