import { expect } from 'chai';
import { ABI_VERSION, abiDifference, WIRE_VERSION } from '#src/transport/ucx/abi.js';

describe('the numbers of a UCX shim', () => {
  it('are refused when it is of another version', () => {
    expect(abiDifference([ABI_VERSION + 1, WIRE_VERSION])).to.equal(
      `MRX_ABI_VERSION is ${ABI_VERSION + 1} in the library and ${ABI_VERSION} here`,
    );
    expect(abiDifference([ABI_VERSION, WIRE_VERSION + 1])).to.equal(
      `MRX_WIRE_VERSION is ${WIRE_VERSION + 1} in the library and ${WIRE_VERSION} here`,
    );
  });
});
