/** node-postgres connection settings for connections outside the pool (liveness lock). Provided by DatabaseModule. */
export const GATEWAY_DATABASE = Symbol('GATEWAY_DATABASE');
