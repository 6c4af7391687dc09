import type { FastifyReply } from 'fastify';
import {
  AskTimeoutError,
  BackpressureError,
  HandlerError,
  MillraceError,
  StoppedError,
  UnreachableError,
} from 'millrace';

/** What a client is told of an error: whether to try again, and never what the code behind looks like. */
export function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  const status = statusOf(error);
  const code = error instanceof MillraceError ? error.code : 'INTERNAL';
  if (status === 503) void reply.header('retry-after', '1');
  return reply.code(status).send({ error: code, message: status === 500 ? 'The request failed.' : messageOf(error) });
}

function statusOf(error: unknown): number {
  if (error instanceof BackpressureError || error instanceof StoppedError || error instanceof UnreachableError)
    return 503;
  if (error instanceof AskTimeoutError) return 504;
  if (error instanceof HandlerError && error.handlerCode === 'CAPACITY') return 507;
  if (error instanceof MillraceError) return 500;
  // Of Fastify itself, such as a body that does not fit its schema.
  const { statusCode } =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error : { statusCode: 500 };
  return typeof statusCode === 'number' ? statusCode : 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
