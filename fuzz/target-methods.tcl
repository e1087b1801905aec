# target-methods.tcl --
#
#	Any commands on any objects, in any order.  The input is read as a
#	sequence of steps: which class, which object of it, which method of its
#	table, which arguments.  The tables are those of the extension itself, so
#	that a new method takes part without a word here.
#
#	Arguments are mostly what their name in the usage asks for; and now and
#	then anything.  What would wait, take long or write files is kept out by
#	[fuzz::safe].

namespace eval fuzz {
    variable rows {}	;# class -> its methods: {name min max words}
    variable plain {}	;# the functions: {name min max words}
    variable objects {}	;# class -> commands, the gone ones among them
    variable depth 0	;# of steps inside callbacks

    # Not called: these wait for others, or take their time.
    variable never {
	set_default_verify_paths Connect Listen Vwait Keep Kept TrustStamp Stack unimport
	Describe getpeername
    }
    # What an argument of that name is: a class, a list of one, or values.
    variable kinds {
	pkey {object pkey} key {object pkey} cert {object x509} x509 {object x509}
	certificate {object x509} certificate_authority {object x509}
	subject {object x509name} issuer {object x509name}
	other {object x509name} x509name {object x509name}
	revoked {object revoked} crl {object crl} context {object ctx}
	ctx {object ctx} req {object x509req}
	extensions {list x509ext} cacerts {list x509}
	certificate_authorities {list x509name}
	digest {values {sha256 "" sha1 none SHA512}}
	digest_name {values {sha256 "" md5 none}}
	type {values {PEM ASN1 TEXT 1 2 RSA}}
	format {values {PEM ASN1 9}}
	method {values {TLS_METHOD TLS_CLIENT_METHOD TLS_SERVER_METHOD DTLS_METHOD
	    TLSv1_2_METHOD SSLv3_METHOD 0}}
	typename {values {basicConstraints keyUsage subjectAltName nsComment 1.2.3
	    authorityKeyIdentifier subjectKeyIdentifier}}
	value {values {CA:TRUE critical,CA:FALSE DNS:a.example hash keyid:always
	    digitalSignature DER:0500 x}}
	attribute {values {C CN O emailAddress 2.5.4.3 none}}
	when {values {20300101000000Z 19700101000000Z 20500101000000+0100 x}}
	date {values {20300101000000Z "" x}}
	reason {values {keyCompromise "" CACompromise none}}
	callback {callback} cmdPrefix {callback}
	file {path} path {path} pemfile {path} capath {path} dhfile {path}
	address {values {{127.0.0.1 0} {127.0.0.1 1} {::1 0} {} {127.0.0.1} {127.0.0.1 x}}}
	transport {values {"" tcp no}}
	ciphers {values {ALL NULL:@SECLEVEL=0 ECDHE+AES x ""}}
	suites {values {TLS_AES_128_GCM_SHA256 "" x}}
	groups {values {P-256 X25519:P-384 "" x}}
	algorithms {values {ed25519 RSA+SHA256 "" x}}
	protocols {values {{h2 http/1.1} h2 "" {{}}}}
	version {values {TLSv1.2 TLSv1.3 TLS1_2_VERSION 0 3 2}}
	options {values {OP_ALL OP_NO_TICKET {OP_NO_TLSv1_2 OP_NO_TLSv1_3} 0}}
	mode {values {VERIFY_PEER {VERIFY_PEER VERIFY_FAIL_IF_NO_PEER_CERT} 0
	    MODE_RELEASE_BUFFERS SESS_CACHE_OFF}}
	flags {values {CRL_CHECK {CRL_CHECK CRL_CHECK_ALL} 0 x}}
	state {values {0 1 2 3 9 SENT_SHUTDOWN}}
	how {values {read write both 0 1 2 x}}
	level {values {SOL_SOCKET IPPROTO_TCP 1 x 0}}
	optname {values {SO_KEEPALIVE SO_LINGER TCP_NODELAY 1 9999 x}}
	buflen {values {0 1 4 8 1024 -1}}
	names {values {{} {localhost none} {a b c}}}
	serial {values {0 01 ff 123456789abcdef0123 -1 x}}
    }
    variable integers {-1 0 1 2 3 16 255 256 65536 2147483647 -2147483648
	4294967296 99999999999999999999}
}

# Reads the tables, once.
proc fuzz::tables {} {
    variable rows
    variable plain
    variable never
    if {$rows ne ""} {
	return
    }
    foreach command [lsort [info commands ::pyossl::*]] {
	set name [namespace tail $command]
	lassign [pyossl::Describe $name] kind described
	foreach row $described {
	    lassign $row method least most usage
	    if {$method in $never} {
		continue
	    }
	    # Words as they are in a usage: "?-subject x509?", "PEM|ASN1".
	    set words [split [string map {? "" | " "} $usage] " "]
	    set row [list $method $least [expr {$most < 0 ? $least + 2 : $most}] $words]
	    switch -- $kind {
		class {
		    dict lappend rows $name $row
		}
		ensemble {
		    lappend plain [lreplace $row 0 0 "$name $method"]
		}
		function {
		    lappend plain $row
		}
	    }
	}
    }
}

proc fuzz::methods {bytes} {
    variable objects {}
    variable depth 0
    tables
    for {set i 0} {$i < 60 && [more]} {incr i} {
	step
    }
}

# One step of the sequence.
proc fuzz::step {} {
    variable rows
    variable plain
    set classes [dict keys $rows]
    set what [number 32]
    if {$what < [llength $classes]} {
	set class [lindex $classes $what]
	invoke $class [object $class] [pick [dict get $rows $class]]
	return
    }
    switch -- [expr {$what - [llength $classes]}] {
	0 - 1 - 2 - 3 {
	    set row [pick $plain]
	    set result [call [lindex $row 0] ::pyossl::[lindex $row 0] $row]
	    adopt $result
	}
	4 - 5 - 6 - 7 {
	    carry [object conn] [object conn]
	}
	8 {
	    # The class's own commands.
	    set class [pick $classes]
	    set name ::pyossl::own[number 3]
	    switch -- [number 4] {
		0 {
		    adopt [ours "create" {pyossl::$class create $name}]
		}
		1 {
		    ours "is" {pyossl::$class is [object [pick $classes]]}
		}
		2 {
		    ours "instances" {pyossl::$class instances}
		}
		3 {
		    set old [object $class]
		    if {[info commands $old] ne "" && [info commands $name] eq ""} {
			rename $old $name
			adopt $name
		    }
		}
	    }
	}
	default {
	    handshaken
	}
    }
}

# A method on an object, or a class's [new].
proc fuzz::invoke {class object row} {
    set method [lindex $row 0]
    if {$method eq "new"} {
	adopt [call "$class new" [list ::pyossl::$class new] $row]
    } else {
	adopt [call "$class $method" [list $object $method] $row]
    }
}

# Calls something with as many arguments as it takes, and the right ones.
proc fuzz::call {what prefix row} {
    lassign $row method least most words
    set count $least
    if {$most > $least} {
	set count [expr {$least + [number [expr {$most - $least + 1}]]}]
    }
    set values {}
    for {set i 0} {$i < $count} {incr i} {
	lappend values [argument [lindex $words $i]]
    }
    return [ours $what [list {*}$prefix {*}[safe [lindex $what end] $values]]]
}

# Takes out of the arguments what nobody wants to wait for.
proc fuzz::safe {method values} {
    switch -- $method {
	generate_key {
	    return [pick {{EC P-256} ED25519 {RSA 512} X25519 {EC x} {RSA -1} {DSA 1} x
		{EC 77} {RSA 0} {ED25519 7}}]
	}
	export - load_file - egd - write_file {
	    # Counts of iterations, or bytes.
	    set values [lmap value $values {
		expr {[string is integer $value] ? 3 : $value}
	    }]
	    if {$method eq "write_file"} {
		return [list /nonexistent/file]
	    }
	}
	bytes - recv - read - bio_read {
	    return [list [pick {0 1 100 16384 -1 x ""}]]
	}
	set_num_tickets - listen {
	    return [list [pick {0 1 2 5 -1 x}]]
	}
	setblocking {
	    return 0
	}
	expand - prf - export_keying_material {
	    return [lmap value $values {
		expr {[string is entier -strict $value] ? $value % 1000 : $value}
	    }]
	}
    }
    return $values
}

# An argument with that name in a usage.
proc fuzz::argument {word} {
    variable kinds
    variable integers
    variable rows
    variable here
    set choice [byte]
    set kind wild
    if {$choice < 192 && [dict exists $kinds $word]} {
	set kind [dict get $kinds $word]
    }
    switch -- [lindex $kind 0] {
	object {
	    return [object [lindex $kind 1]]
	}
	list {
	    set list {}
	    for {set i [number 4]} {$i > 0} {incr i -1} {
		lappend list [object [lindex $kind 1]]
	    }
	    return $list
	}
	values {
	    return [pick [lindex $kind 1]]
	}
	callback {
	    return [pick {"" {::fuzz::callback 0} {::fuzz::callback 1}
		{::fuzz::callback 2} {::fuzz::callback 3} {::fuzz::callback 4}
		{::fuzz::callback 5} ::fuzz::none "\{"}]
	}
	path {
	    return [pick [list "" /nonexistent/file $here [file join $here fuzz.tcl] "a\0b"]]
	}
    }
    switch -- [expr {$choice & 7}] {
	0 - 1 {
	    return [pick $integers]
	}
	2 {
	    return [object [pick [dict keys $rows]]]
	}
	3 {
	    return ""
	}
	4 {
	    return [text [take [number 20]]]
	}
	5 {
	    return [text \xe2\x82\xac\xf0\x9f\x98\x80\0]
	}
	default {
	    return [take [number 40]]
	}
    }
}

# Remembers the objects that a command has returned.
proc fuzz::adopt {result} {
    variable objects
    if {![string match *::pyossl::* $result] || [catch {lrange $result 0 5} list]} {
	return
    }
    foreach one $list {
	if {[regexp {^::pyossl::([a-z0-9]+?)\d*$} $one] && [namespace which $one] ne ""} {
	    foreach class {x509 x509name x509req x509store x509ext pkey pkcs7 pkcs12
		spki crl revoked ctx conn} {
		if {[pyossl::$class is $one]} {
		    dict lappend objects $class $one
		    if {$class eq "conn"} {
			catch {$one setblocking 0}
		    }
		}
	    }
	}
    }
}

# One of the objects of a class; made where there is none yet.
proc fuzz::object {class} {
    variable objects
    if {![dict exists $objects $class]} {
	foreach one [sample $class] {
	    dict lappend objects $class $one
	}
    }
    return [pick [dict get $objects $class]]
}

# Objects of a class that are good for something.
proc fuzz::sample {class} {
    switch -- $class {
	pkey {
	    return [list [key] [pyossl::pkey new]]
	}
	x509 {
	    set key [key]
	    set cert [selfsigned $key]
	    $key destroy
	    return [list $cert [pyossl::x509 new]]
	}
	x509name {
	    # The certificate goes before its names.
	    set cert [lindex [sample x509] 0]
	    set names [list [$cert get_subject] [$cert get_issuer]]
	    $cert destroy
	    return $names
	}
	x509ext {
	    return [list [pyossl::x509ext new basicConstraints 1 CA:TRUE] \
		    [pyossl::x509ext new nsComment 0 x]]
	}
	pkcs7 {
	    return [pyossl::load_pkcs7_data ASN1 [binary decode hex \
		    300f06092a864886f70d010701a0020400]]
	}
	ctx {
	    return [list [context] [pyossl::ctx new TLS_METHOD]]
	}
	conn {
	    return [pair]
	}
	default {
	    return [list [pyossl::$class new] [pyossl::$class new]]
	}
    }
}

# A context for both sides, which trusts its own certificate.
proc fuzz::context {{method TLS_METHOD}} {
    set ctx [pyossl::ctx new $method]
    identity
    $ctx use_certificate ::fuzz::kept::cert
    $ctx use_privatekey ::fuzz::kept::key
    set store [$ctx get_cert_store]
    $store add_cert ::fuzz::kept::cert
    $store destroy
    return $ctx
}

# The key and the certificate of contexts are made once, since to make them
# takes longer than what is done with them mostly.  They are where neither
# [fuzz::state] nor the targets look for objects.
proc fuzz::identity {} {
    if {[namespace which ::fuzz::kept::key] eq ""} {
	namespace eval ::fuzz::kept {}
	set key [key]
	set cert [selfsigned $key]
	rename $key ::fuzz::kept::key
	rename $cert ::fuzz::kept::cert
    }
}

# Two new connections over memory, for a client and a server.
proc fuzz::pair {} {
    set conns {}
    foreach state {set_connect_state set_accept_state} {
	set ctx [object ctx]
	set conn [ours pair {pyossl::conn new $ctx}]
	if {$conn eq ""} {
	    # The context is gone, or good for one side only.
	    set ctx [context]
	    set conn [pyossl::conn new $ctx]
	}
	ours pair {$conn $state}
	lappend conns $conn
    }
    return $conns
}

# Carries what one connection has to say to another one.
proc fuzz::carry {from to} {
    ours "carry handshake" {$from do_handshake}
    set bytes [ours "carry read" {$from bio_read 65536}]
    if {$bytes ne ""} {
	ours "carry write" {$to bio_write $bytes}
    }
    ours "carry handshake" {$to do_handshake}
    return [string length $bytes]
}

# A pair whose handshake is done, if nothing is in its way.
proc fuzz::handshaken {} {
    variable objects
    lassign [pair] client server
    dict lappend objects conn $client $server
    for {set i 0} {$i < 6} {incr i} {
	carry $client $server
	carry $server $client
    }
    mark "handshaken [catch {$client status} status] [catch {dict get $status protocol}]"
}

# What contexts call.
proc fuzz::callback {number args} {
    variable depth
    switch -- $number {
	0 {
	    return 1
	}
	1 {
	    return 0
	}
	2 {
	    return -code error -errorcode {FUZZ CALLBACK} "no"
	}
	3 {
	    # The first argument is an object, mostly.
	    catch {[lindex $args 0] destroy}
	    return 1
	}
	4 {
	    return secret
	}
    }
    if {$depth < 2} {
	incr depth
	try {
	    step
	    step
	} finally {
	    incr depth -1
	}
    }
    return 1
}
