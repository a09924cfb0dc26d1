// The npm package.
export { PaymentGateway } from "./gateway";
export type { PaymentGatewayEvents, PaymentGatewayOptions } from "./gateway";
export type { Failure, Leaving, Success } from "./messages";
export type { Theme } from "./modal";
export type { Closed } from "./session";
