/**
 * MILLRACE_ variables that are not ours. Kubernetes gives each container variables for each Service: a Service named `millrace` makes
 * MILLRACE_SERVICE_HOST, MILLRACE_PORT and MILLRACE_PORT_8080_TCP_ADDR. Docker's links do likewise with MILLRACE_NAME. They must not
 * keep a program from starting, so what is not known is ignored, and named in one notice with what it may have meant.
 */
import { nearestName } from './nearest-name.js';
import { type OptionName, optionNames, variableOf } from './table.js';

const PREFIX = 'MILLRACE_';
/** Variables named in a notice; a Service with many ports has more. */
const NAMED = 8;

export interface IgnoredVariable {
  readonly variable: string;
  readonly isEmpty: boolean;
}

/** Names that Kubernetes and Docker's links make; the option table has none of this form. */
const OF_A_SERVICE =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_.*)$/;
/** Values that they give to others: the address of a port, and the path of a link. */
const ADDRESS = /^(tcp|udp|sctp):\/\//;
const LINK = /^\/[\w.-]+\/[\w.-]+$/;

/** Options whose values are addresses: a wrong one there is a mistake of a person, and ignoring it would leave the process unreachable. */
const ADDRESS_OPTIONS = ['listen', 'controlPlane'] as const satisfies readonly OptionName[];
const OF_ADDRESSES: ReadonlySet<string> = new Set(ADDRESS_OPTIONS.map(variableOf));

/** Whether a platform rather than a person has set a variable, as its name or a value that its option refuses shows. */
export function isForeign(variable: string, value: string): boolean {
  const isAddress = ADDRESS.test(value) && !OF_ADDRESSES.has(variable);
  return OF_A_SERVICE.test(variable) || isAddress || (variable.endsWith('_NAME') && LINK.test(value));
}

/** What was ignored, in one sentence; likely misspellings come first. */
export function ignoredNotice(ignored: readonly IgnoredVariable[]): string | undefined {
  if (ignored.length === 0) return undefined;
  const described = ignored.map(describe);
  const isMisspelt = (text: string): boolean => text.endsWith('?)');
  const named = [...described.filter(isMisspelt), ...described.filter((text) => !isMisspelt(text))];
  const more = named.length > NAMED ? ` and ${named.length - NAMED} more` : '';
  return `Ignored environment variables that set no option of Millrace: ${named.slice(0, NAMED).join(', ')}${more}.`;
}

function describe({ variable, isEmpty }: IgnoredVariable): string {
  if (isEmpty) return `${variable} (empty)`;
  const meant = meantBy(variable);
  return meant === undefined ? variable : `${variable} (did you mean ${meant}?)`;
}

function meantBy(variable: string): string | undefined {
  const variables = optionNames.map(variableOf);
  if (OF_A_SERVICE.test(variable) || variables.includes(variable)) return undefined;
  const nearest = nearestName(
    variable.slice(PREFIX.length),
    variables.map((own) => own.slice(PREFIX.length)),
  );
  return nearest === undefined ? undefined : `${PREFIX}${nearest}`;
}
