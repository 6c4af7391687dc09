import { Lane, type MessageType, type Method, type Service } from '#src/protocol/index.js';

/** A message type whose fields all have defaults; these tests send no bytes. */
function messageType<T extends object>(typeName: string, defaults: T): MessageType<T, Partial<T>> {
  const refuse = (): never => {
    throw new Error(`${typeName} never leaves the partition in these tests`);
  };
  return { typeName, create: (init) => ({ ...defaults, ...init }), write: refuse, read: refuse };
}

function rpc<M extends 'tell' | 'ask' | 'stream', Request, RequestInit, Response, ResponseInit>(
  service: string,
  name: string,
  mode: M,
  request: MessageType<Request, RequestInit>,
  response: MessageType<Response, ResponseInit>,
): Method<M, Request, RequestInit, Response, ResponseInit> {
  const fullName = `${service}.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return { name, fullName, mode, lane: Lane.data, request, response };
}

function service<Methods extends Service['methods']>(typeName: string, methods: Methods): Service<Methods> {
  return { typeName, methods };
}

const Empty = messageType('test.Empty', {});
const Trade = messageType('test.Trade', { symbol: '', price: 0 });
const QuoteRequest = messageType('test.QuoteRequest', { symbol: '' });
const QuoteReply = messageType('test.QuoteReply', { price: 0, currency: 'EUR' });
const Number32 = messageType('test.Number', { value: 0 });

/** The README's example. */
export const Pricing = service('test.Pricing', {
  observe: rpc('test.Pricing', 'observe', 'tell', Trade, Empty),
  quote: rpc('test.Pricing', 'quote', 'ask', QuoteRequest, QuoteReply),
});

/** One rpc of each mode, for behaviors that a test writes for itself. */
export const Worker = service('test.Worker', {
  push: rpc('test.Worker', 'push', 'tell', Number32, Empty),
  work: rpc('test.Worker', 'work', 'ask', Number32, Number32),
});

/** A stream beside a tell and an ask. */
export const Counting = service('test.Counting', {
  push: rpc('test.Counting', 'push', 'tell', Number32, Empty),
  work: rpc('test.Counting', 'work', 'ask', Number32, Number32),
  count: rpc('test.Counting', 'count', 'stream', Number32, Number32),
});

/** An rpc whose requests are a stream. */
function streaming<M extends 'ask' | 'stream'>(name: string, mode: M) {
  return { ...rpc('test.Loading', name, mode, Number32, Number32), streamsRequests: true } as const;
}

/** The rpcs that stream their requests, beside a tell and an ask. */
export const Loading = service('test.Loading', {
  push: rpc('test.Loading', 'push', 'tell', Number32, Empty),
  work: rpc('test.Loading', 'work', 'ask', Number32, Number32),
  load: streaming('load', 'ask'),
  chat: streaming('chat', 'stream'),
});

/** Two asks whose handlers take different times, beside a tell and a stream. */
export const Desk = service('test.Desk', {
  note: rpc('test.Desk', 'note', 'tell', Number32, Empty),
  quick: rpc('test.Desk', 'quick', 'ask', Number32, Number32),
  slow: rpc('test.Desk', 'slow', 'ask', Number32, Number32),
  list: rpc('test.Desk', 'list', 'stream', Number32, Number32),
});

/** An rpc whose request has no fields. */
export const Pinging = service('test.Pinging', {
  ping: rpc('test.Pinging', 'ping', 'ask', Empty, Number32),
});

/** An rpc whose reply has no fields. */
export const Resting = service('test.Resting', {
  rest: rpc('test.Resting', 'rest', 'ask', Number32, Empty),
});
