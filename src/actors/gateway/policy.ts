import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import type { AnyMethod, AnyService, MessageType } from '../../protocol/index.js';
import { isService } from '../kernel/index.js';
import type { Identity } from './identity.js';

/** Clients may call rpcs of named actors. */
export interface AllowedService {
  readonly service: AnyService;
  /** Names of its rpcs, such as `quote`. Default: all but those that stream their requests, which clients cannot call. */
  readonly methods?: readonly string[];
  /** Names of the actors. Default: every actor of this service that has a name. */
  readonly names?: readonly string[];
  /** Clients with one of these roles. Default: every client that is let in. */
  readonly roles?: readonly string[];
}

/** Clients may subscribe to a topic. */
export interface AllowedTopic {
  readonly topic: MessageType<unknown, never>;
  readonly name: string;
  readonly roles?: readonly string[];
}

/** One rule; a call is allowed where one of them allows it. */
export type Allowed = AllowedService | AllowedTopic;

/** What a client may call: a method of a service. */
export interface Grant {
  readonly service: AnyService;
  readonly method: AnyMethod;
}

interface MethodRules extends Grant {
  readonly rules: AllowedService[];
}

/** What clients may do. What no rule names is forbidden, and nobody learns whether it exists. */
export class Policy {
  readonly #methods = new Map<string, MethodRules>();
  readonly #services = new Map<string, AllowedService[]>();
  readonly #topics = new Map<string, AllowedTopic[]>();

  /** Throws ConfigError for a rule that is wrong. */
  constructor(allowed: readonly Allowed[]) {
    if (allowed.length === 0) {
      throw new ConfigError(
        "clientGateway needs allow, a list of what clients may call, such as [{ service: Market, methods: ['quote'] }].",
      );
    }
    for (const rule of allowed) {
      if ('topic' in rule) this.#addTopic(rule);
      else this.#addService(rule);
    }
  }

  /** The method, where this client may call it at the actor `name`. */
  callable(fullName: string, name: string, identity: Identity): Grant | undefined {
    const found = this.#methods.get(fullName);
    return found?.rules.some((rule) => holds(rule, name, identity)) === true ? found : undefined;
  }

  isTell(fullName: string): boolean {
    return this.#methods.get(fullName)?.method.mode === 'tell';
  }

  /** The service, where this client may call at least one of its methods at the actor `name`. */
  visible(typeName: string, name: string, identity: Identity): AnyService | undefined {
    return this.#services.get(typeName)?.find((rule) => holds(rule, name, identity))?.service;
  }

  /** The type of a topic's messages, where this client may subscribe to it. */
  readable(typeName: string, topic: string, { roles }: Identity): MessageType<unknown, never> | undefined {
    return this.#topics.get(`${typeName} ${topic}`)?.find((rule) => hasRole(rule, roles))?.topic;
  }

  #addService(rule: AllowedService): void {
    const { service, methods, names, roles } = rule;
    if (!isService(service)) {
      throw new ConfigError(
        `service in allow needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
      );
    }
    checkTexts(`names of ${service.typeName} in allow`, names);
    checkTexts(`roles of ${service.typeName} in allow`, roles);
    checkTexts(`methods of ${service.typeName} in allow`, methods);
    for (const method of methodsOf(service, methods)) {
      const known = this.#methods.get(method.fullName);
      if (known === undefined) this.#methods.set(method.fullName, { service, method, rules: [rule] });
      else known.rules.push(rule);
    }
    const known = this.#services.get(service.typeName);
    if (known === undefined) this.#services.set(service.typeName, [rule]);
    else known.push(rule);
  }

  #addTopic(rule: AllowedTopic): void {
    const { topic, name, roles } = rule;
    if (typeof topic?.typeName !== 'string' || typeof topic.read !== 'function') {
      throw new ConfigError(
        `topic in allow needs a message type of a module that millrace gen made, not ${shownValue(topic)}.`,
      );
    }
    if (typeof name !== 'string' || name === '')
      throw new ConfigError(`The topic of ${topic.typeName} in allow needs a name.`);
    checkTexts(`roles of the topic "${name}" in allow`, roles);
    const key = `${topic.typeName} ${name}`;
    const known = this.#topics.get(key);
    if (known === undefined) this.#topics.set(key, [rule]);
    else known.push(rule);
  }
}

function holds({ names, roles }: AllowedService, name: string, identity: Identity): boolean {
  return (names === undefined || names.includes(name)) && hasRole({ roles }, identity.roles);
}

function hasRole(
  { roles: wanted }: { readonly roles?: readonly string[] | undefined },
  roles: readonly string[] = [],
): boolean {
  return wanted === undefined || wanted.some((role) => roles.includes(role));
}

function methodsOf({ typeName, methods }: AnyService, names: readonly string[] | undefined): readonly AnyMethod[] {
  if (names === undefined) return Object.values(methods).filter((method) => method.streamsRequests !== true);
  return names.map((name) => {
    const method = methods[name];
    if (method === undefined) {
      throw new ConfigError(`${typeName} in allow has no rpc ${name}. It has ${Object.keys(methods).join(', ')}.`);
    }
    if (method.streamsRequests === true) {
      throw new ConfigError(`${method.fullName} in allow streams its requests, which clients cannot do.`);
    }
    return method;
  });
}

function checkTexts(of: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')) return;
  throw new ConfigError(`${of} must be a list of texts that is not empty, not ${shownValue(value)}.`);
}
