import type { JsonObject } from '../core/json.ts';

/** For whom tools are offered and called: which servers they may use, and who the servers are told that it is. */
export interface ToolUser {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
}

/** A tool of some server, as it is offered to models. */
export interface OfferedTool {
  /** As models know it: at most 64 of `[A-Za-z0-9_-]`, and unique among all that are offered. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly inputSchema: JsonObject;
  /** As the server knows it. */
  readonly tool: string;
  /** The server's configured name and address. */
  readonly server: string;
  readonly serverUrl: string;
}

/** What became of a call. A call that failed has a result as well: the model is to hear of it. */
export interface ToolResult {
  readonly content: readonly ToolContent[];
  /** As the server sent it beside the content, if it did. */
  readonly structured: JsonObject | undefined;
  readonly isError: boolean;
  /** Why there is no result, or what an erroneous one says, in words for the record; null when all is well. */
  readonly error: string | null;
  /** The error is in words of the server's, which may say what a result would. */
  readonly isErrorQuoted?: boolean;
  /** How large the content is. */
  readonly bytes: number;
}

/** The kinds of content that models can be given. What is of another kind is there as text that says so. */
export type ToolContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mimeType: string; readonly base64: string };

/** What the data plane needs of the tool servers. */
export interface ToolServers {
  /** Sorted by name, byte by byte, so that equal offers are equal bytes. The same array while nothing changes. */
  offerFor(user: ToolUser): readonly OfferedTool[];
  /**
   * Runs a tool once. Rejects only when the signal is aborted, which cancels the call at the
   * server as well; whatever else goes wrong, timeouts included, is a result that says so.
   */
  call(
    tool: OfferedTool,
    input: JsonObject,
    user: ToolUser,
    signal: AbortSignal,
  ): Promise<ToolResult>;
}
