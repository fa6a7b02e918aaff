// Where the server is: in the folder from which the page takes its scripts. By itself Streamlit asks first below the
// page's own address, /compare/_stcore/health, where nothing is.
window.__streamlit = { BACKEND_BASE_URL: new URL(".", document.baseURI).href };
