/** A part of the page that takes a file which is dropped on it or pasted. */
export interface FileZone {
  box: HTMLElement;
  isOpen(): boolean;
  take(file: File): void;
}

const zones: FileZone[] = [];

/** What is pasted elsewhere goes to the open zone that came last. */
export function receiveFiles(zone: FileZone): void {
  zones.push(zone);
  if (zones.length === 1) listen();
}

/** The first picture of several files; else the first file, which then is told to be none. */
export function fileAmong(files: Iterable<File> | ArrayLike<File> | null | undefined): File | undefined {
  const all = Array.from(files ?? []);
  return all.find(({ type }) => type.startsWith("image/")) ?? all[0];
}

function listen(): void {
  document.addEventListener("paste", (event) => {
    const { clipboardData } = event;
    // Office programs put a picture of the text beside the text.
    if (clipboardData?.getData("text/plain") !== "") return;
    const file = fileAmong(clipboardData.files);
    if (!file) return;
    event.preventDefault();
    (zoneOf(event) ?? zones.findLast((zone) => zone.isOpen()))?.take(file);
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    // Beside the boxes too: the browser would leave the page for the file.
    event.preventDefault();
    const over = zoneOf(event);
    event.dataTransfer.dropEffect = over ? "copy" : "none";
    mark(over);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) mark(undefined);
  });
  addEventListener("drop", (event) => {
    mark(undefined);
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const file = fileAmong(event.dataTransfer.files);
    if (file) zoneOf(event)?.take(file);
  });
}

function zoneOf({ target }: Event): FileZone | undefined {
  return target instanceof Node ? zones.find((zone) => zone.isOpen() && zone.box.contains(target)) : undefined;
}

function mark(over: FileZone | undefined): void {
  for (const zone of zones) zone.box.toggleAttribute("data-drop", zone === over);
}
