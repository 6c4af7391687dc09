/**
 * `millrace/gateway`: lets clients that are no members into a cluster (`millrace/client`), who may call only what rules allow. A WebSocket is a `ClientConnection`; its
 * calls are made through references, as those of any program. Nothing that a client sends may end another connection, an actor or the process.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
export { ClientGateway, clientGateway } from './client-gateway.js';
export type { GatewayLimits, GatewayOptions } from './gateway-options.js';
export { type Authenticate, type Credentials, type Identity, tokenAuthentication } from './identity.js';
export { jwtAuthentication, type JwtOptions } from './jwt.js';
export type { Allowed, AllowedService, AllowedTopic } from './policy.js';
