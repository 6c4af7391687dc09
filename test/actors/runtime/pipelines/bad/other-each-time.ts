import { pipeline } from '#src/actors/runtime/index.js';
import { Row } from '../../row.js';

let calls = 0;

/** Not pure: it names its segment after the number of its calls. */
export default pipeline('impure', import.meta.url, (builder) => {
  const rows = builder.source(`source-${++calls}`, Row, () => {});
  builder.sink('sink', rows, () => {});
});
