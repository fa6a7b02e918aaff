"""Every kind of map in one list, and one record for all that somebody can want computed."""

from explainers.methods.registry import find_method, methods
from explainers.methods.request import MapRequest, Request, Workbench, answer

__all__ = ["MapRequest", "Request", "Workbench", "answer", "find_method", "methods"]
