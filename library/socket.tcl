# socket.tcl --
#
#	[pyossl::socket] and [pyossl::import]: TLS for people who want a
#	channel. They read the options, make a context of them, and leave the
#	rest to the C commands Connect, Listen and Stack. Option names are those
#	of the Tcl tls package where it has one.
#
#	    options --Parse--> dict --Context--> ctx --> Connect | Listen | Stack
#	                                          |
#	                          its command is destroyed again: the
#	                          connections hold the context
#
#	Where no option has a secret or a callback in it, clients and imported
#	channels share one context for the same options and the same state of
#	the files (generic/pyosslKeep.c), so that twenty connections do not
#	load the authorities twenty times.

namespace eval ::pyossl {
    # Option -> which commands take it: c(lient), s(erver), i(mport).
    variable optionUse {
	-alpn csi -async c -autoservername cs -cadir csi -cafile csi
	-castore csi -cert csi -certfile csi -cipher csi -ciphersuites csi
	-closetimeout cs -command csi -ctx csi -dhparams csi
	-errorcommand s -handshaketimeout csi -key csi -keyfile csi -ktls cs
	-maxhandshakes s -model csi -myaddr cs -myport c -notify s
	-password csi -post_handshake csi -request csi -require csi
	-reuseport s -securitylevel csi -server i -servername csi
	-session ci -session_id csi -sni si -ssl2 csi -ssl3 csi
	-ticketkeys si -tls1 csi -tls1.1 csi -tls1.2 csi -tls1.3 csi
	-validatecommand csi -verifyhost ci
    }

    # What makes a context that connections may share: as it is, and as the
    # name of a file. The others concern one connection only.
    variable sharedOptions {
	-alpn -cipher -ciphersuites -ktls -post_handshake -request -require
	-securitylevel -session_id -ssl2 -ssl3 -tls1 -tls1.1 -tls1.2 -tls1.3
    }
    variable fileOptions {
	-cadir -cafile -castore -certfile -dhparams -keyfile
    }
    variable localOptions {
	-async -autoservername -closetimeout -handshaketimeout -myaddr
	-myport -server -servername -session -verifyhost
    }

    # The version switches from the lowest up, with the names OpenSSL has.
    variable versionSwitches {
	-ssl2 SSLv2 -ssl3 SSLv3 -tls1 TLSv1 -tls1.1 TLSv1.1 -tls1.2 TLSv1.2
	-tls1.3 TLSv1.3
    }
}

#------------------------------------------------------------------------
# Options
#------------------------------------------------------------------------

proc ::pyossl::WrongArgs {usage} {
    return -code error -level 2 -errorcode {TCL WRONGARGS} \
	"wrong # args: should be \"$usage\""
}

proc ::pyossl::BadValue {message} {
    return -code error -level 2 -errorcode {PYOSSL SSL ValueError} $message
}

# Parse use words --
#	Takes "-option value" pairs off the front of words.
# Arguments:
#	use	c, s or i: whose options are allowed.
# Results:
#	{options rest}
proc ::pyossl::Parse {use words} {
    variable optionUse
    set options {}
    while {[string match -* [lindex $words 0]] && [llength $words] > 0} {
	set words [lassign $words name]
	if {$name eq "--"} {
	    break
	} elseif {$name eq "-security_level"} {
	    # As tls 2 spells it.
	    set name -securitylevel
	}
	if {![dict exists $optionUse $name]
		|| [string first $use [dict get $optionUse $name]] < 0} {
	    set allowed {}
	    dict for {known uses} $optionUse {
		if {[string first $use $uses] >= 0} {
		    lappend allowed $known
		}
	    }
	    return -code error -level 2 \
		-errorcode [list TCL LOOKUP INDEX option $name] \
		"bad option \"[Shown $name]\": must be one of\
		[join [lrange $allowed 0 end-1] {, }], or [lindex $allowed end]"
	}
	if {$name eq "-async"} {
	    dict set options -async 1
	    continue
	}
	if {[llength $words] == 0} {
	    return -code error -level 2 -errorcode {TCL WRONGARGS} \
		"\"$name\" option must be followed by value"
	}
	set words [lassign $words value]
	dict set options $name $value
    }
    return [list $options $words]
}

# A boolean option, with the value it has when it is not given.
proc ::pyossl::Flag {options name default} {
    if {![dict exists $options $name]} {
	return $default
    }
    set value [dict get $options $name]
    if {![string is boolean -strict $value]} {
	return -code error -level 2 -errorcode {PYOSSL SSL TypeError} \
	    "$name must be a boolean, not \"[Shown $value]\""
    }
    return [expr {bool($value)}]
}

# A command prefix; empty if it is not given.
proc ::pyossl::Prefix {options name} {
    if {![dict exists $options $name]} {
	return ""
    }
    set prefix [dict get $options $name]
    if {![string is list $prefix]} {
	return -code error -level 2 -errorcode {PYOSSL SSL TypeError} \
	    "$name must be a command prefix, a list, not \"[Shown $prefix]\""
    }
    return $prefix
}

# Those of the options that a C command takes.
proc ::pyossl::Pick {options names} {
    return [dict filter $options script {name value} {
	expr {$name in $names}
    }]
}

#------------------------------------------------------------------------
# Contexts
#------------------------------------------------------------------------

# Context server share options --
#	Makes a context of the options, or finds the one that is kept for them.
# Arguments:
#	server	1: of a server.
#	share	1: connections of other calls may have it too.
# Results:
#	{ctx own}: what Connect, Listen and Stack take as a context; own is 1
#	where the caller has to destroy the command.
proc ::pyossl::Context {server share options} {
    if {[dict exists $options -ctx]} {
	# A ready context is as it is; the names it serves are the listener's.
	set ctx [dict get $options -ctx]
	if {[dict exists $options -sni]} {
	    $ctx set_sni [dict get $options -sni]
	}
	return [list $ctx 0]
    }
    if {[dict exists $options -model]} {
	return [list [list model [dict get $options -model]] 0]
    }
    set key [expr {$share ? [Key $server $options] : ""}]
    if {$key ne "" && [Kept $key]} {
	return [list [list kept $key] 0]
    }
    set ctx [ctx new [expr {$server ? "TLS_SERVER_METHOD"
	: "TLS_CLIENT_METHOD"}]]
    try {
	Configure $ctx $server $options
	if {$key ne ""} {
	    Keep $key $ctx
	}
    } on error {message info} {
	$ctx destroy
	return -options $info $message
    }
    return [list $ctx 1]
}

# What a context that may be shared is known by: the options that make it,
# and the state of the files that it is loaded from. Empty if an option has
# a secret, a callback or an object in it, or a file cannot be looked at.
proc ::pyossl::Key {server options} {
    variable sharedOptions
    variable fileOptions
    variable localOptions
    set key [list $server]
    dict for {name value} $options {
	if {$name in $fileOptions} {
	    set stamp [Stamp $value]
	    if {$value ne "" && $stamp eq "" || [IsFresh $stamp]} {
		return ""
	    }
	    lappend key $name $stamp
	} elseif {$name in $sharedOptions} {
	    lappend key $name $value
	} elseif {$name ni $localOptions} {
	    return ""
	}
    }
    foreach place [AuthorityPlaces] {
	set stamp [Stamp $place]
	if {[IsFresh $stamp]} {
	    return ""
	}
	lappend key $place $stamp
    }
    lappend key [TrustStamp]
    return $key
}

# A file or folder, as it is now; empty if there is none.
proc ::pyossl::Stamp {path} {
    if {[string match file:* $path]} {
	set path [UriPath $path]
    }
    if {$path eq "" || [catch {file stat $path stat}]} {
	return ""
    }
    return [list [file normalize $path] $stat(mtime) $stat(size) $stat(ino)]
}

# Whether a file was written so lately that the next change might leave it
# with the same stamp: times are whole seconds.
proc ::pyossl::IsFresh {stamp} {
    return [expr {$stamp ne "" && [lindex $stamp 1] >= [clock seconds] - 1}]
}

# Where the platform's authorities are looked for.
proc ::pyossl::AuthorityPlaces {} {
    variable openssldir
    if {![info exists openssldir]} {
	if {![regexp {"(.*)"} [SSLeay_version SSLEAY_DIR] -> openssldir]} {
	    set openssldir ""
	}
    }
    set file [file join $openssldir cert.pem]
    set folder [file join $openssldir certs]
    if {[info exists ::env(SSL_CERT_FILE)]} {
	set file $::env(SSL_CERT_FILE)
    }
    if {[info exists ::env(SSL_CERT_DIR)]} {
	set folder $::env(SSL_CERT_DIR)
    }
    return [list $file $folder]
}

proc ::pyossl::Configure {ctx server options} {
    SetVersions $ctx $options
    foreach {name method} {
	-securitylevel set_security_level
	-cipher set_cipher_list
	-ciphersuites set_ciphersuites
	-dhparams load_tmp_dh
	-session_id set_session_id
	-alpn set_alpn
	-sni set_sni
	-ticketkeys set_tlsext_ticket_keys
    } {
	if {[dict exists $options $name] && [dict get $options $name] ne ""} {
	    $ctx $method [dict get $options $name]
	}
    }
    if {$server && (![dict exists $options -dhparams]
	    || [dict get $options -dhparams] eq "")} {
	# For clients without elliptic curves; as strong as the key.
	$ctx set_tmp_dh auto
    }
    if {!$server && [Flag $options -post_handshake 0]} {
	PostHandshake $ctx 1
    }
    if {[Flag $options -ktls 0]} {
	$ctx set_options OP_ENABLE_KTLS
    }
    SetPassword $ctx $options
    SetCertificate $ctx $options
    SetVerification $ctx $server $options
    set command [Prefix $options -command]
    if {$command ne ""} {
	$ctx set_info_callback [list ::pyossl::InfoCallback $command]
    }
    set validate [Prefix $options -validatecommand]
    if {$server && $validate ne ""} {
	$ctx set_tlsext_servername_callback \
	    [list ::pyossl::SniCallback $validate]
    }
}

# The lowest and the highest version wanted; a switch for a version that
# this OpenSSL lacks counts only if no other is on.
proc ::pyossl::SetVersions {ctx options} {
    variable versionSwitches
    variable available
    if {![info exists available]} {
	# Asking takes as long as making a few contexts.
	set available [lmap name [protocols] {string cat - $name}]
    }
    set wanted {}
    set absent {}
    foreach {switch version} $versionSwitches {
	if {![Flag $options $switch [expr {$switch in {-tls1.2 -tls1.3}}]]} {
	    continue
	}
	if {$switch ni $available} {
	    lappend absent $switch
	} else {
	    lappend wanted $version
	}
    }
    if {[llength $wanted] == 0} {
	BadValue [expr {[llength $absent]
	    ? "this OpenSSL has none of the versions wanted: $absent"
	    : "no protocol version is left: all switches are off"}]
    }
    $ctx set_min_proto_version [lindex $wanted 0]
    $ctx set_max_proto_version [lindex $wanted end]
}

# -password: a command prefix, or the passphrase itself. The tls package
# calls it without arguments (1.7) or with "password rwflag size" (from 1.8
# on); the first form that the command takes is right.
proc ::pyossl::SetPassword {ctx options} {
    if {[dict exists $options -password]} {
	$ctx set_passwd_cb \
	    [list ::pyossl::PasswordCallback [dict get $options -password]]
    }
}

proc ::pyossl::PasswordCallback {password size verify userdata} {
    if {[catch {llength $password} length] || $length == 0
	    || [uplevel #0 [list namespace which -command \
	    [lindex $password 0]]] eq ""} {
	return $password
    }
    try {
	return [uplevel #0 $password]
    } trap {TCL WRONGARGS} {message info} {
	# Its own arguments, or those of something that it calls?
	try {
	    return [uplevel #0 [list {*}$password password $verify $size]]
	} trap {TCL WRONGARGS} {} {
	    return -options $info $message
	}
    }
}

# PEM where it looks so, else DER.
proc ::pyossl::TypeOf {data} {
    return [expr {[string first "-----BEGIN" $data] >= 0 ? "PEM" : "ASN1"}]
}

proc ::pyossl::SetCertificate {ctx options} {
    set cert [dict get [dict merge {-cert {}} $options] -cert]
    set certFile [dict get [dict merge {-certfile {}} $options] -certfile]
    set key [dict get [dict merge {-key {}} $options] -key]
    set keyFile [dict get [dict merge {-keyfile {}} $options] -keyfile]
    if {$cert ne ""} {
	set x509 [load_certificate [TypeOf $cert] $cert]
	try {
	    $ctx use_certificate $x509
	} finally {
	    $x509 destroy
	}
    } elseif {$certFile ne ""} {
	$ctx use_certificate_chain_file $certFile
    }
    if {$key ne ""} {
	set password {}
	if {[dict exists $options -password]} {
	    set password [list -callback [list ::pyossl::PasswordCallback \
		[dict get $options -password]]]
	}
	set pkey [load_privatekey [TypeOf $key] $key {*}$password]
	try {
	    $ctx use_privatekey $pkey
	} finally {
	    $pkey destroy
	}
    } elseif {$keyFile ne ""} {
	$ctx use_privatekey_file $keyFile
    } elseif {$certFile ne "" && $cert eq ""} {
	# As the tls package has it: both may be in one file.
	$ctx use_privatekey_file $certFile
    }
    if {$cert ne "" || $certFile ne ""} {
	$ctx check_privatekey
    }
}

# -request and -require. A client verifies unless both are off; a server
# asks for a certificate if one of them is on. What is asked for and not
# required passes into the status, whatever is wrong with it.
proc ::pyossl::SetVerification {ctx server options} {
    set require [Flag $options -require [expr {!$server}]]
    set request [Flag $options -request $require]
    if {!$server && !$require && ![dict exists $options -request]} {
	set request 1
    }
    set validate [Prefix $options -validatecommand]
    if {$validate ne ""} {
	set validate [list ::pyossl::VerifyCallback $validate]
    }
    set verify [expr {$request || $require}]
    set mode [expr {$verify ? "VERIFY_PEER" : "VERIFY_NONE"}]
    if {$require} {
	lappend mode VERIFY_FAIL_IF_NO_PEER_CERT
    }
    $ctx set_verify $mode $validate
    Lenient $ctx [expr {!$require}]
    Trust $ctx $server $verify $options
}

# The path of a file: URI.
proc ::pyossl::UriPath {uri} {
    return [regsub {^file:(//)?} $uri {}]
}

# The authorities: those given, else the platform's if any are needed. With
# those given a server also completes the chain of its own certificate.
proc ::pyossl::Trust {ctx server verify options} {
    set file [dict get [dict merge {-cafile {}} $options] -cafile]
    set folder [dict get [dict merge {-cadir {}} $options] -cadir]
    if {$file eq "" && [dict exists $options -castore]} {
	set store [dict get $options -castore]
	if {[string match file:* $store]} {
	    set store [UriPath $store]
	}
	if {[file isdirectory $store]} {
	    set folder $store
	} else {
	    set file $store
	}
    }
    if {$file eq "" && $folder eq ""} {
	if {$verify} {
	    $ctx set_default_verify_paths
	}
	return
    }
    $ctx load_verify_locations $file $folder
    if {$server && $verify && $file ne ""} {
	# Tells clients whose certificates will do (RFC 8446, 4.2.4).
	$ctx load_client_ca $file
    }
}

#------------------------------------------------------------------------
# Callbacks in the tls package's form
#------------------------------------------------------------------------

# The channel of a connection; the connection itself if that is closed.
proc ::pyossl::ChannelOf {conn} {
    if {[catch {$conn channel} channel]} {
	return $conn
    }
    return $channel
}

# -command: info channel major minor message type
proc ::pyossl::InfoCallback {command conn where ret} {
    variable SSL_ST_CONNECT
    variable SSL_ST_ACCEPT
    variable SSL_CB_ALERT
    variable SSL_CB_HANDSHAKE_START
    variable SSL_CB_HANDSHAKE_DONE
    variable SSL_CB_READ
    variable SSL_CB_WRITE
    variable SSL_CB_LOOP
    variable SSL_CB_EXIT
    set message [$conn state_string]
    set type info
    if {$where & $SSL_CB_HANDSHAKE_START} {
	set event {handshake start}
    } elseif {$where & $SSL_CB_HANDSHAKE_DONE} {
	set event {handshake done}
    } elseif {$where & $SSL_CB_ALERT} {
	set event [list alert [expr {$where & $SSL_CB_READ ? "read"
	    : "write"}]]
	set type [expr {($ret >> 8) == 2 ? "fatal" : "warning"}]
	set message [AlertName [expr {$ret & 0xff}]]
    } else {
	set event [list [expr {$where & $SSL_ST_CONNECT ? "connect"
	    : $where & $SSL_ST_ACCEPT ? "accept" : "unknown"}] \
	    [expr {$where & $SSL_CB_LOOP ? "loop"
	    : $where & $SSL_CB_EXIT ? "exit" : "unknown"}]]
    }
    set call [list {*}$command info [ChannelOf $conn] {*}$event $message]
    # The tls package has had the type since 1.8; the first form that the
    # command takes is right.
    try {
	uplevel #0 [list {*}$call $type]
    } trap {TCL WRONGARGS} {message info} {
	try {
	    uplevel #0 $call
	} trap {TCL WRONGARGS} {} {
	    return -options $info $message
	}
    }
}

# -validatecommand: verify channel depth cert status error -> boolean
proc ::pyossl::VerifyCallback {command conn x509 errnum depth ok} {
    set subject [$x509 get_subject]
    set issuer [$x509 get_issuer]
    set certificate [list subject [$subject oneline] \
	issuer [$issuer oneline] notBefore [$x509 get_notBefore] \
	notAfter [$x509 get_notAfter] serial [$x509 get_serial_number] \
	sha1_hash [$x509 digest sha1] sha256_hash [$x509 digest sha256] \
	certificate [dump_certificate PEM $x509]]
    $subject destroy
    $issuer destroy
    return [uplevel #0 [list {*}$command verify [ChannelOf $conn] $depth \
	$certificate $ok [VerifyError $errnum]]]
}

# -validatecommand of a server: sni channel name -> boolean
proc ::pyossl::SniCallback {command conn} {
    set name [$conn get_servername]
    if {$name eq ""} {
	return
    }
    if {![uplevel #0 [list {*}$command sni [ChannelOf $conn] $name]]} {
	if {[namespace which -command $conn] eq ""} {
	    # The script has destroyed it, and nobody can be told by it any more.
	    return -code error -errorcode {PYOSSL SSL Error {}} \
		"the server name \"$name\" was refused"
	}
	RefuseName $conn $name
    }
}

#------------------------------------------------------------------------
# The commands
#------------------------------------------------------------------------

# pyossl::socket ?-option value ...? host port
# pyossl::socket -server command ?-option value ...? port
#
#	A TLS connection, or a server of them.
#
# Results:
#	A channel. A client's is connected (unless -async); its handshake goes
#	on in the event loop or with the first blocking operation, and is
#	verified against the platform's authorities and the host's name.
# Errors:
#	PYOSSL SSL SysCallError for what the network refuses; PYOSSL SSL Error
#	for a certificate or key that cannot be used; TCL WRONGARGS.
# Source:
#	Tcl's socket(n), the options of the tls package, RFC 9110 4.3.4
proc ::pyossl::socket {args} {
    if {[ServerOption $args] >= 0} {
	tailcall ::pyossl::ServerSocket $args
    }
    set usage "pyossl::socket ?options? host port"
    lassign [Parse c $args] options rest
    if {[llength $rest] != 2} {
	WrongArgs $usage
    }
    lassign $rest host port
    set name [string trimright $host .]
    set passed [Pick $options {-closetimeout -handshaketimeout -myaddr
	-myport -session}]
    dict set passed -async [Flag $options -async 0]
    if {[dict exists $options -servername]} {
	dict set passed -servername [dict get $options -servername]
    } elseif {[Flag $options -autoservername 1]} {
	dict set passed -servername $name
    }
    dict set passed -verifyhost [VerifyHost $options $name]
    lassign [Context 0 1 $options] ctx own
    try {
	return [Connect $ctx $host $port {*}$passed]
    } finally {
	if {$own} {
	    $ctx destroy
	}
    }
}

# The name to verify: -verifyhost, else -servername, else the host; none
# where nothing is verified at all.
proc ::pyossl::VerifyHost {options host} {
    if {[dict exists $options -verifyhost]} {
	return [dict get $options -verifyhost]
    }
    if {[dict exists $options -servername]
	    && [dict get $options -servername] ne ""} {
	return [dict get $options -servername]
    }
    return $host
}

# Where -server stands among the options (not their values); -1: nowhere.
proc ::pyossl::ServerOption {words} {
    for {set i 0} {[string match -* [lindex $words $i]]} {incr i} {
	set word [lindex $words $i]
	if {$word eq "-server"} {
	    return $i
	}
	if {$word ne "-async"} {
	    incr i
	}
    }
    return -1
}

proc ::pyossl::ServerSocket {words} {
    set usage "pyossl::socket -server command ?options? port"
    set at [ServerOption $words]
    if {$at + 1 >= [llength $words]} {
	WrongArgs $usage
    }
    set command [lindex $words $at+1]
    lassign [Parse s [lreplace $words $at $at+1]] options rest
    if {[llength $rest] != 1} {
	WrongArgs $usage
    }
    Prefix [list -server $command] -server
    Prefix $options -errorcommand
    set passed [Pick $options {-closetimeout -errorcommand -handshaketimeout
	-maxhandshakes -myaddr -notify -reuseport}]
    lassign [Context 1 0 $options] ctx own
    try {
	return [Listen $command $ctx [lindex $rest 0] {*}$passed]
    } finally {
	if {$own} {
	    $ctx destroy
	}
    }
}

# pyossl::import channel ?-option value ...?
#
#	Starts TLS on an open channel; never waits.
#
# Arguments:
#	-server 1	As the server. A client has no host to go by: the name
#		is checked where -servername or -verifyhost gives it.
# Results:
#	The channel's name, which stays the same.
# Errors:
#	PYOSSL SSL TypeError if it is no channel, and as for pyossl::socket.
# Source:
#	tls::import of the tls package
proc ::pyossl::import {args} {
    set usage "pyossl::import channel ?options?"
    if {[llength $args] == 0} {
	WrongArgs $usage
    }
    set channel [lindex $args 0]
    lassign [Parse i [lrange $args 1 end]] options rest
    if {[llength $rest] != 0} {
	WrongArgs $usage
    }
    set server [Flag $options -server 0]
    set passed [Pick $options {-handshaketimeout -servername -session}]
    dict set passed -server $server
    if {!$server} {
	dict set passed -verifyhost [VerifyHost $options {}]
    }
    lassign [Context $server 1 $options] ctx own
    try {
	return [Stack $ctx $channel {*}$passed]
    } finally {
	if {$own} {
	    $ctx destroy
	}
    }
}
