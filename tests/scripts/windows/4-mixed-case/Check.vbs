OPTION EXPLICIT
DIM Service, Adapter, One
SET Service = GETOBJECT("WinMgmts:\\.\Root\CIMV2")
FOR EACH Adapter IN Service.InstancesOf("WIN32_NetworkAdapterConfiguration")
  IF NOT ISNULL(Adapter.IPADDRESS) THEN
    FOR EACH One IN Adapter.ipaddress
      IF One = WSCRIPT.ARGUMENTS.ITEM(0) THEN WSCRIPT.QUIT(1)
    NEXT
  END IF
NEXT
wscript.quit(0)
