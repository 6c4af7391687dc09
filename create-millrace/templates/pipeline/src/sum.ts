import type { Output } from 'millrace';
import type { Request, SummaryInit } from '../gen/requests.js';

interface Sum {
  requests: number;
  errors: number;
  ms: number;
}

/** Segment: each instance sums up the requests that it gets, and writes its sums at the end. */
export async function sum(requests: AsyncIterable<Request>, output: Output<SummaryInit>): Promise<void> {
  const sums = new Map<string, Sum>();
  for await (const { path, status, ms } of requests) {
    const sum = sums.get(path) ?? { requests: 0, errors: 0, ms: 0 };
    sum.requests++;
    if (status >= 400) sum.errors++;
    sum.ms += ms;
    sums.set(path, sum);
  }
  for (const [path, { requests, errors, ms }] of sums) await output.write({ path, requests, errors, ms: BigInt(ms) });
}
