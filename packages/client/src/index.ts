export {
  type Connection,
  type ConnectionEvents,
  type ConnectionState,
  type ConnectOptions,
  connect,
  type Messages,
} from "./client.ts";
export { ClientError, type ClientErrorCode } from "./client-error.ts";
export type { Lane } from "./lane.ts";
export type { WebSocketConstructor, WebSocketLike } from "./line.ts";
