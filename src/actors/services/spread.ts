import { ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { v1 } from '../../protocol/index.js';
import type { ActorRef } from '../kernel/index.js';
import { childrenOf } from './tree.js';

/** Of the patience of a node, what its children get: the rest is for their answers to arrive. */
const CHILDS_PART = 0.8;

export interface Spreading {
  /** Whose children get the order: a node, or ROOT. */
  readonly from: number;
  readonly order: v1.StepOrder;
  /** The backend of a child. */
  readonly backendOf: (node: number) => ActorRef<typeof v1.Backend>;
  /** The order for one child. */
  readonly orderFor?: (node: number, order: v1.StepOrder) => v1.StepOrderInit;
  /** Called when a child has answered for so many nodes. */
  readonly onDone?: ((done: number) => void) | undefined;
}

/**
 * Gives an order to the children of a node, and gathers their reports into one. Never rejects: a child that does not answer in time, or that
 * answers with nonsense, is a failure in the report, so that every gather ends.
 */
export async function spread({ from, order, backendOf, orderFor, onDone }: Spreading): Promise<v1.StepReport> {
  const { step, nodes } = order;
  const reports = await Promise.all(
    childrenOf(from, nodes).map(async (child) => {
      const report = await performed(order, child, backendOf, orderFor);
      onDone?.(report.done);
      return report;
    }),
  );
  return gathered(step, reports);
}

/** The report of one node on an order. Never rejects: what it does not do in time is a failure in the report. */
export async function performed(
  order: v1.StepOrder,
  node: number,
  backendOf: Spreading['backendOf'],
  orderFor?: Spreading['orderFor'],
): Promise<v1.StepReport> {
  const { step, patienceMs } = order;
  const given = v1.StepOrder.create({ ...order, patienceMs: Math.floor(patienceMs * CHILDS_PART) });
  try {
    const report = await backendOf(node).perform(orderFor?.(node, given) ?? given, { timeoutMs: patienceMs });
    checkReport(report, order, node);
    return report;
  } catch (error) {
    return failedReport(step, node, 'backend', messageOf(error));
  }
}

/** Several reports of one step as one. */
export function gathered(step: v1.Step, reports: readonly v1.StepReport[]): v1.StepReport {
  return v1.StepReport.create({
    step,
    done: reports.reduce((sum, { done }) => sum + done, 0),
    failures: reports.flatMap(({ failures }) => failures),
    globalServices: reports.find(({ globalServices }) => globalServices !== undefined)?.globalServices,
  });
}

/** The report of a node that has not done a step. */
export function failedReport(step: v1.Step, node: number, part: string, cause: string): v1.StepReport {
  return v1.StepReport.create({ step, done: 0, failures: [{ node, part, cause }] });
}

/** Nodes of the tree from `node` down, itself included. */
function sizeFrom(node: number, nodes: number): number {
  return childrenOf(node, nodes).reduce((sum, child) => sum + sizeFrom(child, nodes), 1);
}

function checkReport({ step, done, failures }: v1.StepReport, order: v1.StepOrder, child: number): void {
  const most = sizeFrom(child, order.nodes);
  if (step === order.step && done <= most && (done === most || failures.length > 0)) return;
  throw new ProtocolError(
    `its report makes no sense: step ${step} done by ${done} of ${most} nodes, with ${failures.length} failures, after the order for step ${order.step}`,
  );
}
