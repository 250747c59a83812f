// What a browser can do besides: print a sheet. It must not know: what is on it.
const button = document.getElementById("print");

button?.addEventListener("click", () => print());
