/** A module that exports no component. */
export const nothing = 'nothing';
