/* ReDoc has no option against its maker's logo, a picture of another host that the policy of this page forbids: the
   address is replaced by an empty picture, and ReDoc drops what it cannot show. React sets it in both ways. */
(function () {
  "use strict";

  var images = HTMLImageElement.prototype;
  var plain = images.setAttribute;
  images.setAttribute = function (name, value) {
    plain.call(this, name, name === "src" && new URL(value, location.href).origin !== location.origin ? "data:," : value);
  };
  Object.defineProperty(images, "src", {
    set: function (value) {
      this.setAttribute("src", value);
    },
  });

  var place = document.getElementById("redoc");
  document.body.style.margin = "0";
  new MutationObserver(function () {
    place.querySelectorAll("select:not([aria-label])").forEach(function (choice) {
      choice.setAttribute("aria-label", "Choice");
    });
  }).observe(place, { childList: true, subtree: true });
  // Its own red of code has 3.9:1 on its grey.
  Redoc.init(place.dataset.document, { theme: { typography: { code: { color: "#a31515" } } } }, place);
})();
