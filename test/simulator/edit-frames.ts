import type { FrameEdit } from './behaviours/frame-edit.ts';
import type { Frame } from './frame.ts';
import { streamErrorFrame, unknownFrame } from './render/stream-extras.ts';
import type { Route } from './routes.ts';

/** The frames as the scripted faults leave them; event numbers count what is there at that point. */
export function editFrames(
  frames: readonly Frame[],
  edits: readonly FrameEdit[],
  route: Route,
): readonly Frame[] {
  return edits.reduce((current, edit) => edited(current, edit, route), frames);
}

function edited(frames: readonly Frame[], edit: FrameEdit, route: Route): readonly Frame[] {
  if (edit.kind === 'malformed') {
    return frames.map((frame, index) => (index === edit.atEvent ? truncated(frame) : frame));
  }
  if (edit.kind === 'no_terminal') return frames.filter((frame) => frame.isTerminal !== true);
  if (edit.kind === 'comments') return frames.flatMap((frame) => [{ comment: edit.text }, frame]);
  if (edit.kind === 'leading_comments') {
    return [...Array.from({ length: edit.count }, () => ({ comment: edit.text })), ...frames];
  }
  if (edit.kind === 'error') {
    const { afterEvents, problem, shape } = edit;
    return [...frames.slice(0, afterEvents), streamErrorFrame(route, problem, shape, afterEvents)];
  }
  return frames.flatMap((frame, index) =>
    index === 0 || frame.isTerminal === true ? [frame] : [unknownFrame(route), frame],
  );
}

function truncated(frame: Frame): Frame {
  const data = frame.data ?? '';
  return { ...frame, data: data.slice(0, Math.ceil(data.length / 2)) };
}
