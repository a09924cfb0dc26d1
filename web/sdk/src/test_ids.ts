// Names that tests of shops may rely on.
export const MODAL = "payment-modal";
export const FRAME = "payment-iframe";
export const CLOSE = "close-modal-button";
