// What a browser can do besides: read a file into the list of persons, and print a sheet. It must not know: what is in them.
const at = (id) => document.getElementById(id);

at("file-row")?.removeAttribute("hidden");
at("file")?.addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  at("persons").value = await file.text();
  at("persons").focus();
});

at("print")?.addEventListener("click", () => print());
