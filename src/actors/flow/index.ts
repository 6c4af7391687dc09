/**
 * What ports and streaming rpcs have in common, as pure state: which element comes next, how far the writer may go, and what it must be able to
 * send again. `actors/transport` and `actors/pubsub` send the messages. Nothing here may know of links, actors or time.
 *
 *     writer                                       reader
 *     CreditTotals, SentElements  -- element -->   ElementOrder: next, repeat or gap
 *                                 <-- credit --    totals that only grow, what has arrived, and whether there is a gap
 *                                 -- again -->     all that was sent and has not arrived
 */
export { CreditTotals } from './credit-totals.js';
export { ElementOrder, type Place } from './element-order.js';
export { type SentElement, SentElements } from './sent-elements.js';
