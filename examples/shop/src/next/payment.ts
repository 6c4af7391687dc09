/** The version of the payment that is deployed during the burst. It lies in a folder of its own, so that it is not served from the beginning. */
import { paymentOf } from '../payment.js';

export const payment = paymentOf(import.meta.url, 2);
