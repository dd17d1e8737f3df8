export type BackupErrorCode =
  /** Something else: the message says what. */
  | "backup_failed"
  /** Another process has the data, or works on the backups. */
  | "backup_busy"
  | "disk_full"
  /** A server runs and does not answer. */
  | "server_unreachable"
  /** A backup is not what was written, or was never verified. */
  | "backup_damaged"
  | "restore_refused"
  /** A backup of another version of Postgres. */
  | "version_mismatch";

/** A backup, or a restore, did not happen; the message says what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly code: BackupErrorCode;

  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
