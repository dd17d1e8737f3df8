// Before the first paint, so that a remembered theme does not flash. theme.ts does the rest.
try {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "";
} catch {
  // Storage is blocked: the system's theme applies.
}
